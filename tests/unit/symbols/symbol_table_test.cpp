// SPDX-License-Identifier: MIT
//
// The sorted table of symbols answers as elfutils' own search does, over files as they are: a library with versions and
// aliases, one of C++, this program with its local symbols.
#include "symbols/symbol_table.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>

#include <memory>
#include <random>
#include <string>

#include "catch.hpp"

namespace {

using crossdep::symbols::SymbolTable;

const Dwfl_Callbacks kCallbacks = {dwfl_build_id_find_elf, dwfl_standard_find_debuginfo, dwfl_offline_section_address, nullptr};

std::string file_with(const void* address) {
  Dl_info info{};
  return dladdr(address, &info) != 0 ? info.dli_fname : "";
}

void compare(const std::string& path) {
  INFO(path);
  const std::unique_ptr<Dwfl, void (*)(Dwfl*)> session(dwfl_begin(&kCallbacks), dwfl_end);
  dwfl_report_begin(session.get());
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  constexpr std::uint64_t kBias = 0x7f0000000000;
  Dwfl_Module* module = dwfl_report_elf(session.get(), path.c_str(), path.c_str(), fd, kBias, true);
  dwfl_report_end(session.get(), nullptr, nullptr);
  REQUIRE(module != nullptr);
  Dwarf_Addr begin = 0, end = 0;
  dwfl_module_info(module, nullptr, &begin, &end, nullptr, nullptr, nullptr, nullptr);
  const SymbolTable table(module);
  std::mt19937_64 random(5);
  unsigned known = 0, wrong = 0;
  for (unsigned i = 0; i < 3000; ++i) {
    const std::uint64_t address = begin + random() % (end - begin);
    GElf_Off offset = 0;
    GElf_Sym symbol{};
    const char* name = dwfl_module_addrinfo(module, address, &offset, &symbol, nullptr, nullptr, nullptr);
    // Where nothing covers the address elfutils may name what lies before it.
    if (name != nullptr && (name[0] == '\0' || (symbol.st_size != 0 && offset >= symbol.st_size))) name = nullptr;
    SymbolTable::Found found;
    const bool is = table.find(address, found);
    known += is;
    const bool same = is == (name != nullptr) && (!is || (found.offset == offset && found.symbol.st_size == symbol.st_size && std::string(found.name) == name));
    if (same || ++wrong > 3) continue;
    CAPTURE(address - kBias, name == nullptr ? "none" : name, offset, is ? found.name : "none", is ? found.offset : 0);
    CHECK(same);
  }
  CHECK(wrong == 0);
  CHECK(known > 300);
}

}  // namespace

TEST_CASE("symbols are those that elfutils names", "[symbols]") {
  compare(file_with(reinterpret_cast<const void*>(&::fopen)));
  compare(file_with(reinterpret_cast<const void*>(&dwfl_begin)));
  compare("/proc/self/exe");
  void* runtime = dlopen("libstdc++.so.6", RTLD_LAZY);
  REQUIRE(runtime != nullptr);
  compare(file_with(dlsym(runtime, "_ZSt9terminatev")));
  dlclose(runtime);
}
