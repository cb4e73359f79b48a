// SPDX-License-Identifier: MIT
//
// See symbol_table.h.
//
// Threading and allocation: see symbol_table.h.
#include "symbols/symbol_table.h"

#include <algorithm>
#include <tuple>

namespace crossdep::symbols {
namespace {

int strength(unsigned char info) {
  switch (GELF_ST_BIND(info)) {
    case STB_GLOBAL: return 0;
    case STB_WEAK: return 1;
    case STB_LOCAL: return 2;
    default: return 3;
  }
}

}  // namespace

SymbolTable::SymbolTable(Dwfl_Module* module) : module_(module) {
  const int count = dwfl_module_getsymtab(module);
  const int first_global = std::max(dwfl_module_getsymtab_first_global(module), 1);
  for (int i = 1; i < count; ++i) {
    GElf_Sym symbol{};
    GElf_Addr address = 0;
    const char* name = dwfl_module_getsym_info(module, i, &symbol, &address, nullptr, nullptr, nullptr);
    if (name == nullptr) continue;
    const int type = GELF_ST_TYPE(symbol.st_info);
    if (type == STT_FILE) files_.push_back({i, name});
    if (type == STT_SECTION || type == STT_FILE || type == STT_TLS || name[0] == '\0' || symbol.st_shndx == SHN_UNDEF) continue;
    std::vector<Entry>& table = symbol.st_size == 0 ? labels_ : i >= first_global ? global_ : local_;
    table.push_back({address, address + symbol.st_size, 0, i, strength(symbol.st_info)});
  }
  for (std::vector<Entry>* table : {&global_, &local_, &labels_}) arrange(*table);
}

// Of those that begin at one place the preferred one is last.
void SymbolTable::arrange(std::vector<Entry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, b.binding, b.end, b.index) < std::tie(b.begin, a.binding, a.end, a.index);
  });
  std::uint64_t highest = 0;
  for (Entry& entry : entries) entry.highest = highest = std::max(highest, entry.end);
}

// The last one that covers the address.
const SymbolTable::Entry* SymbolTable::covering(const std::vector<Entry>& entries, std::uint64_t address) const {
  auto at = std::upper_bound(entries.begin(), entries.end(), address, [](std::uint64_t a, const Entry& entry) { return a < entry.begin; });
  while (at != entries.begin()) {
    --at;
    if (address < at->end) return &*at;
    if (at->highest <= address) return nullptr;   // nor does any before it
  }
  return nullptr;
}

bool SymbolTable::find(std::uint64_t address, Found& out) const {
  const auto take = [&](const Entry& entry) {
    GElf_Addr value = 0;
    out.name = dwfl_module_getsym_info(module_, entry.index, &out.symbol, &value, nullptr, nullptr, nullptr);
    out.offset = address - entry.begin;
    out.index = entry.index;
    return out.name != nullptr;
  };
  for (const std::vector<Entry>* table : {&global_, &local_})
    if (const Entry* entry = covering(*table, address)) return take(*entry);

  const auto up_to = [&](const std::vector<Entry>& entries) {
    return std::upper_bound(entries.begin(), entries.end(), address, [](std::uint64_t a, const Entry& entry) { return a < entry.begin; });
  };
  std::uint64_t lowest = 0;   // where symbols with a size end
  for (const std::vector<Entry>* table : {&global_, &local_})
    if (const auto at = up_to(*table); at != table->begin()) lowest = std::max(lowest, std::prev(at)->highest);
  const auto label = up_to(labels_);
  if (label == labels_.begin() || std::prev(label)->begin < lowest) return false;
  const auto section = [this](std::uint64_t where) {
    Dwarf_Addr bias = 0;
    Elf_Scn* found = dwfl_module_address_section(module_, &where, &bias);
    return found == nullptr ? std::size_t{0} : elf_ndxscn(found);
  };
  const std::size_t wanted = section(address);
  return wanted != 0 && section(std::prev(label)->begin) == wanted && take(*std::prev(label));
}

const char* SymbolTable::file_of_local(int index) const {
  const auto after = std::upper_bound(files_.begin(), files_.end(), index, [](int i, const File& file) { return i < file.index; });
  return after == files_.begin() ? "" : std::prev(after)->name;
}

}  // namespace crossdep::symbols
