// SPDX-License-Identifier: MIT
//
// Reads ELF program headers and the dynamic section by hand: libelf is optional, and this must always work.
//
// Threading: pure function.  Allocation: the heap.
#include "cli/elf_file.h"

#include <elf.h>
#include <link.h>

#include <cstring>
#include <fstream>
#include <optional>

namespace crossdep::cli {
namespace {

constexpr std::uint64_t kMaxTable = 1 << 20;   // a dynamic section or a string beyond this is damage

#if defined(__x86_64__)
constexpr unsigned kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned kMachine = EM_AARCH64;
#elif defined(__riscv)
constexpr unsigned kMachine = EM_RISCV;
#else
constexpr unsigned kMachine = EM_NONE;
#endif

class File {
 public:
  explicit File(const std::string& path) : in_(path, std::ios::binary) {}

  template <typename T>
  std::optional<T> at(std::uint64_t offset) {
    T value;
    if (!read(offset, &value, sizeof value)) return std::nullopt;
    return value;
  }

  std::string text(std::uint64_t offset, std::uint64_t limit) {
    std::string out(std::min(limit, std::uint64_t{4096}), '\0');
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(offset));
    in_.read(out.data(), static_cast<std::streamsize>(out.size()));
    out.resize(static_cast<std::size_t>(in_.gcount()));
    return out.substr(0, out.find('\0'));
  }

 private:
  bool read(std::uint64_t offset, void* to, std::size_t size) {
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(offset));
    in_.read(static_cast<char*>(to), static_cast<std::streamsize>(size));
    return in_.gcount() == static_cast<std::streamsize>(size);
  }

  std::ifstream in_;
};

}  // namespace

ElfFacts read_elf(const std::string& path) {
  ElfFacts facts;
  File file(path);
  const auto header = file.at<ElfW(Ehdr)>(0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return facts;
  facts.is_elf = true;
  facts.native = header->e_ident[EI_CLASS] == (sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32) &&
                 (kMachine == EM_NONE || header->e_machine == kMachine);
  if (!facts.native) return facts;

  std::vector<ElfW(Phdr)> segments;
  for (unsigned i = 0; i < header->e_phnum; ++i)
    if (const auto segment = file.at<ElfW(Phdr)>(header->e_phoff + std::uint64_t{i} * header->e_phentsize))
      segments.push_back(*segment);
  auto offset_of = [&segments](std::uint64_t address) -> std::uint64_t {
    for (const ElfW(Phdr)& s : segments)
      if (s.p_type == PT_LOAD && address >= s.p_vaddr && address - s.p_vaddr < s.p_filesz)
        return address - s.p_vaddr + s.p_offset;
    return 0;
  };

  std::vector<std::uint64_t> needed;
  std::uint64_t strings = 0, soname = 0;
  for (const ElfW(Phdr)& s : segments) {
    if (s.p_type == PT_INTERP) facts.interpreter = file.text(s.p_offset, s.p_filesz);
    if (s.p_type != PT_DYNAMIC) continue;
    for (std::uint64_t at = 0; at + sizeof(ElfW(Dyn)) <= std::min<std::uint64_t>(s.p_filesz, kMaxTable);
         at += sizeof(ElfW(Dyn))) {
      const auto entry = file.at<ElfW(Dyn)>(s.p_offset + at);
      if (!entry || entry->d_tag == DT_NULL) break;
      if (entry->d_tag == DT_NEEDED) needed.push_back(entry->d_un.d_val);
      if (entry->d_tag == DT_SONAME) soname = entry->d_un.d_val;
      if (entry->d_tag == DT_STRTAB) strings = offset_of(entry->d_un.d_ptr);
    }
  }
  if (strings == 0) return facts;
  for (const std::uint64_t name : needed) facts.needed.push_back(file.text(strings + name, 256));
  if (soname != 0) facts.soname = file.text(strings + soname, 256);
  return facts;
}

}  // namespace crossdep::cli
