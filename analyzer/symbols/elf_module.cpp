// SPDX-License-Identifier: MIT
//
// See elf_module.h. Inlined calls: the innermost DIE at the address is found by dwarf_getscopes, its physical parents by
// dwarf_getscopes_die (the first call goes on with abstract origins where a function was inlined, which lose the call
// sites). The line table gives the innermost place, each DW_TAG_inlined_subroutine the place it was called at.
//
// Threading: one thread.  Allocation: the heap and elfutils' own.
#include "symbols/elf_module.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "symbols/demangle.h"
#include "symbols/module_map.h"

namespace crossdep::symbols {
namespace {

// elfutils asks the servers named in this variable where no file is found; a report must not wait for a network.
class WithoutNetwork {
 public:
  WithoutNetwork() {
    const char* value = std::getenv(kName);
    if (value == nullptr) return;
    saved_ = value;
    was_set_ = true;
    ::unsetenv(kName);
  }
  ~WithoutNetwork() {
    if (was_set_) ::setenv(kName, saved_.c_str(), 1);
  }
  WithoutNetwork(const WithoutNetwork&) = delete;
  WithoutNetwork& operator=(const WithoutNetwork&) = delete;

 private:
  static constexpr const char* kName = "DEBUGINFOD_URLS";
  std::string saved_;
  bool was_set_ = false;
};

int find_debug_file(Dwfl_Module* module, void** user, const char* name, Dwarf_Addr base, const char* file,
                    const char* link, GElf_Word crc, char** found) {
  const WithoutNetwork offline;
  return dwfl_standard_find_debuginfo(module, user, name, base, file, link, crc, found);
}

const Dwfl_Callbacks kCallbacks = {dwfl_build_id_find_elf, find_debug_file, dwfl_offline_section_address, nullptr};

std::string hex_of(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string name_of(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  for (const unsigned kind : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name})
    if (const char* name = dwarf_formstring(dwarf_attr_integrate(die, kind, &attribute))) return demangle(name);
  const char* name = dwarf_diename(die);
  return name == nullptr ? std::string() : std::string(name);
}

std::uint32_t number_of(Dwarf_Die* die, unsigned kind) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  return dwarf_formudata(dwarf_attr(die, kind, &attribute), &value) == 0 ? static_cast<std::uint32_t>(value) : 0;
}

// Where the inlined call of `die` stands in the code it was inlined into.
void call_place(Dwarf_Die* unit, Dwarf_Die* die, Frame& caller) {
  Dwarf_Files* files = nullptr;
  std::size_t count = 0;
  const std::uint32_t file = number_of(die, DW_AT_call_file);
  if (dwarf_getsrcfiles(unit, &files, &count) == 0 && file < count)
    if (const char* name = dwarf_filesrc(files, file, nullptr, nullptr)) caller.file = name;
  caller.line = number_of(die, DW_AT_call_line);
  caller.column = number_of(die, DW_AT_call_column);
}

struct Freed {
  void operator()(void* memory) const { std::free(memory); }
};

// From the innermost DIE at `pc` outwards to its function, inlined calls and all.
std::vector<Dwarf_Die> enclosing(Dwarf_Die* unit, Dwarf_Addr pc) {
  Dwarf_Die* raw = nullptr;
  if (dwarf_getscopes(unit, pc, &raw) <= 0) return {};
  const std::unique_ptr<Dwarf_Die, Freed> innermost(raw);
  raw = nullptr;
  const int count = dwarf_getscopes_die(innermost.get(), &raw);
  const std::unique_ptr<Dwarf_Die, Freed> all(raw);
  return count <= 0 ? std::vector<Dwarf_Die>() : std::vector<Dwarf_Die>(raw, raw + count);
}

}  // namespace

ElfModule::ElfModule(const Module& module) {
  if (module.path.empty()) {
    trouble_ = "the vDSO has no file";
    return;
  }
  const int fd = ::open(module.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    trouble_ = module.path + ": cannot read: " + std::strerror(errno) + "; its functions are printed as offsets";
    return;
  }
  session_.reset(dwfl_begin(&kCallbacks));
  dwfl_report_begin(session_.get());
  module_ = dwfl_report_elf(session_.get(), module.path.c_str(), module.path.c_str(), fd, module.bias, true);
  if (module_ == nullptr) ::close(fd);
  dwfl_report_end(session_.get(), nullptr, nullptr);
  if (module_ == nullptr) {
    trouble_ = module.path + ": no ELF file: " + dwfl_errmsg(-1) + "; its functions are printed as offsets";
    return;
  }
  Dwarf_Addr begin = 0, end = 0;
  dwfl_module_info(module_, nullptr, &begin, &end, nullptr, nullptr, nullptr, nullptr);
  begin_ = begin;
  end_ = end;
  GElf_Addr bias = 0;
  dwfl_module_getelf(module_, &bias);
  const unsigned char* bits = nullptr;
  GElf_Addr where = 0;
  const int length = dwfl_module_build_id(module_, &bits, &where);
  const std::string found(reinterpret_cast<const char*>(bits), length > 0 ? static_cast<std::size_t>(length) : 0);
  if (!module.build_id.empty() && found != module.build_id) {
    trouble_ = module.path + ": not the file that was recorded (build-id " + (found.empty() ? std::string("missing") : hex_of(found)) +
               ", recorded " + hex_of(module.build_id) + "); its functions are printed as offsets";
    module_ = nullptr;
    begin_ = end_ = 0;
  }
}

bool ElfModule::symbol(std::uint64_t address, SymbolAt& out) const {
  if (module_ == nullptr) return false;
  if (!symbols_) symbols_.emplace(module_);
  SymbolTable::Found found;
  if (!symbols_->find(address, found)) return false;
  out.name = demangle(found.name);
  out.offset = found.offset;
  out.size = found.symbol.st_size;
  out.local = GELF_ST_BIND(found.symbol.st_info) == STB_LOCAL;
  out.value = found.symbol.st_value;
  out.index = found.index;
  return true;
}

bool ElfModule::frames(std::uint64_t return_address, bool lines, std::vector<Frame>& out) const {
  if (module_ == nullptr) return false;
  const std::uint64_t pc = return_address - 1;
  Frame function;
  SymbolAt at;
  if (symbol(pc, at)) {
    function.function = at.name;
    function.offset = at.offset + 1;
    function.size = at.size;
  }
  if (!lines) {
    if (function.function.empty()) return false;
    out.push_back(function);
    return true;
  }
  Frame place;   // file and line of the innermost frame not yet finished
  if (Dwfl_Line* line = dwfl_module_getsrc(module_, pc)) {
    int number = 0, column = 0;
    if (const char* file = dwfl_lineinfo(line, nullptr, &number, &column, nullptr, nullptr)) {
      place.file = file;
      place.line = static_cast<std::uint32_t>(number);
      place.column = static_cast<std::uint32_t>(column);
    }
  }
  Dwarf_Addr bias = 0;
  if (Dwarf_Die* unit = dwfl_module_addrdie(module_, pc, &bias)) {
    for (Dwarf_Die& die : enclosing(unit, pc - bias)) {
      const int tag = dwarf_tag(&die);
      if (tag == DW_TAG_inlined_subroutine) {
        Frame inlined = place;
        inlined.function = name_of(&die);
        inlined.inlined = true;
        out.push_back(inlined);
        call_place(unit, &die, place = Frame());
      } else if (tag == DW_TAG_subprogram) {
        if (function.function.empty()) function.function = name_of(&die);
        break;
      }
    }
  }
  function.file = place.file;
  function.line = place.line;
  function.column = place.column;
  if (function.function.empty() && function.file.empty() && out.empty()) return false;
  out.push_back(function);
  return true;
}

std::string ElfModule::path_in(const SymbolAt& symbol) {
  constexpr std::uint64_t kLargestLock = 64;   // what is no larger and meant as a whole needs no look into its type
  if (symbol.offset == 0 && symbol.size <= kLargestLock) return {};
  Dwarf_Addr bias = 0;
  if (Dwarf* debug = dwfl_module_getdwarf(module_, &bias))
    if (const auto path = paths_.path(debug, symbol.value, symbol.offset)) return *path;
  return symbol.offset == 0 ? std::string() : with_offset({}, symbol.offset);
}

std::string ElfModule::file_of_local(const SymbolAt& symbol) const {
  return symbols_ ? symbols_->file_of_local(symbol.index) : std::string();
}

}  // namespace crossdep::symbols
