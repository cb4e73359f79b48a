// SPDX-License-Identifier: MIT
//
// See plt.h.
//
// Threading and allocation: see plt.h.
#include "core/plt.h"

#include <elf.h>
#include <link.h>

#include <cstdint>

#include "core/syscalls.h"
#include "interpose/real.h"

namespace crossdep::runtime {
namespace {

#if defined(__x86_64__)
constexpr unsigned kJumpSlot = R_X86_64_JUMP_SLOT, kGlobalData = R_X86_64_GLOB_DAT;
#elif defined(__aarch64__)
constexpr unsigned kJumpSlot = R_AARCH64_JUMP_SLOT, kGlobalData = R_AARCH64_GLOB_DAT;
#endif

struct Module {
  std::uint64_t base;
  std::uint64_t begin, end;                 // of all its segments
  std::uint64_t relro_begin, relro_end;
  const ElfW(Sym)* symbols;
  const char* strings;
  const ElfW(Rela)* tables[2];
  std::size_t sizes[2];                     // in bytes
};

struct Task {
  Replace replace;
  unsigned done;
};

bool describe(const dl_phdr_info& info, Module& out) noexcept {
  constexpr std::uint64_t kPage = 4096;
  out = {};
  out.base = info.dlpi_addr;
  out.begin = ~std::uint64_t{0};
  const ElfW(Dyn)* entry = nullptr;
  for (unsigned i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info.dlpi_phdr[i];
    const std::uint64_t begin = out.base + segment.p_vaddr, end = begin + segment.p_memsz;
    if (segment.p_type == PT_LOAD) {
      out.begin = begin < out.begin ? begin : out.begin;
      out.end = end > out.end ? end : out.end;
    } else if (segment.p_type == PT_GNU_RELRO) {
      out.relro_begin = begin & ~(kPage - 1);
      out.relro_end = end & ~(kPage - 1);
    } else if (segment.p_type == PT_DYNAMIC) {
      entry = reinterpret_cast<const ElfW(Dyn)*>(begin);
    }
  }
  const auto* own = reinterpret_cast<const ElfW(Dyn)*>(&_DYNAMIC);
  if (entry == nullptr || entry == own || out.base == _r_debug.r_ldbase) return false;
  const auto address = [&](const ElfW(Dyn)* at) noexcept {
    return at->d_un.d_ptr < out.base ? at->d_un.d_ptr + out.base : at->d_un.d_ptr;
  };
  bool with_addends = true;
  for (; entry->d_tag != DT_NULL; ++entry) {
    switch (entry->d_tag) {
      case DT_SYMTAB: out.symbols = reinterpret_cast<const ElfW(Sym)*>(address(entry)); break;
      case DT_STRTAB: out.strings = reinterpret_cast<const char*>(address(entry)); break;
      case DT_JMPREL: out.tables[0] = reinterpret_cast<const ElfW(Rela)*>(address(entry)); break;
      case DT_PLTRELSZ: out.sizes[0] = entry->d_un.d_val; break;
      case DT_PLTREL: with_addends = entry->d_un.d_val == DT_RELA; break;
      case DT_RELA: out.tables[1] = reinterpret_cast<const ElfW(Rela)*>(address(entry)); break;
      case DT_RELASZ: out.sizes[1] = entry->d_un.d_val; break;
      default: break;
    }
  }
  return out.symbols != nullptr && out.strings != nullptr && with_addends;
}

void write(const Module& module, void** slot, void* value) noexcept {
  constexpr std::uint64_t kPage = 4096;
  const auto at = reinterpret_cast<std::uint64_t>(slot);
  const bool closed = at >= module.relro_begin && at < module.relro_end;
  const auto page = static_cast<long>(at & ~(kPage - 1));
  if (closed && system_call(SYS_mprotect, page, kPage, PROT_READ | PROT_WRITE) != 0) return;
  __atomic_store_n(slot, value, __ATOMIC_RELEASE);
  if (closed) system_call(SYS_mprotect, page, kPage, PROT_READ);
}

int visit(dl_phdr_info* info, std::size_t, void* data) noexcept {
  auto& task = *static_cast<Task*>(data);
  Module module;
  if (!describe(*info, module)) return 0;
  for (unsigned table = 0; table < 2; ++table) {
    if (module.tables[table] == nullptr) continue;
    for (std::size_t i = 0; i < module.sizes[table] / sizeof(ElfW(Rela)); ++i) {
      const ElfW(Rela)& entry = module.tables[table][i];
      const auto type = ELF64_R_TYPE(entry.r_info);
      if (type != kJumpSlot && type != kGlobalData) continue;
      const char* const name = module.strings + module.symbols[ELF64_R_SYM(entry.r_info)].st_name;
      auto** const slot = reinterpret_cast<void**>(module.base + entry.r_offset);
      void* now = __atomic_load_n(slot, __ATOMIC_RELAXED);
      const auto target = reinterpret_cast<std::uint64_t>(now);
      // A slot not yet bound leads back into its module's own table of jumps.
      if (type == kJumpSlot && target >= module.begin && target < module.end) now = nullptr;
      void* const value = task.replace(name, now);
      if (value == nullptr || value == now) continue;
      write(module, slot, value);
      ++task.done;
    }
  }
  return 0;
}

}  // namespace

unsigned replace_calls(Replace replace) noexcept {
  Task task{replace, 0};
  real.dl_iterate_phdr(visit, &task);
  return task.done;
}

}  // namespace crossdep::runtime
