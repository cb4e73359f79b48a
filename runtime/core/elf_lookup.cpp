// SPDX-License-Identifier: MIT
//
// See elf_lookup.h. The GNU hash table: Ulrich Drepper, "How To Write Shared Libraries", and the ELF gABI for symbol
// versions. A module without a GNU hash table (only old or exotic ones) is passed over.
//
// Threading: see elf_lookup.h.  Allocation: none.
#include "core/elf_lookup.h"

#include <elf.h>
#include <link.h>

#include <cstdint>

namespace crossdep::runtime {
namespace {

bool same(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

std::uint32_t gnu_hash(const char* name) {
  std::uint32_t hash = 5381;
  for (; *name != 0; ++name) hash = hash * 33 + static_cast<unsigned char>(*name);
  return hash;
}

struct Tables {
  const ElfW(Sym)* symbols = nullptr;
  const char* strings = nullptr;
  const std::uint32_t* hash = nullptr;
  const ElfW(Half)* versions = nullptr;
  const char* definitions = nullptr;
  std::size_t definition_count = 0;
};

Tables tables_of(const link_map* module) {
  Tables out;
  // The loader relocates these pointers in place, except in a read-only dynamic section (the vDSO's).
  auto address = [module](const ElfW(Dyn)* entry) {
    const auto value = entry->d_un.d_ptr;
    return value < module->l_addr ? value + module->l_addr : value;
  };
  for (const ElfW(Dyn)* entry = module->l_ld; entry != nullptr && entry->d_tag != DT_NULL; ++entry) {
    switch (entry->d_tag) {
      case DT_SYMTAB: out.symbols = reinterpret_cast<const ElfW(Sym)*>(address(entry)); break;
      case DT_STRTAB: out.strings = reinterpret_cast<const char*>(address(entry)); break;
      case DT_GNU_HASH: out.hash = reinterpret_cast<const std::uint32_t*>(address(entry)); break;
      case DT_VERSYM: out.versions = reinterpret_cast<const ElfW(Half)*>(address(entry)); break;
      case DT_VERDEF: out.definitions = reinterpret_cast<const char*>(address(entry)); break;
      case DT_VERDEFNUM: out.definition_count = entry->d_un.d_val; break;
      default: break;
    }
  }
  return out;
}

bool version_fits(const Tables& tables, std::uint32_t symbol, const char* wanted) {
  if (tables.versions == nullptr || tables.definitions == nullptr) return true;
  const unsigned entry = tables.versions[symbol];
  if (wanted == nullptr) return (entry & 0x8000) == 0;   // not hidden: the default version
  const char* at = tables.definitions;
  for (std::size_t i = 0; i < tables.definition_count; ++i) {
    const auto* definition = reinterpret_cast<const ElfW(Verdef)*>(at);
    if ((definition->vd_ndx & 0x7fff) == (entry & 0x7fff)) {
      const auto* name = reinterpret_cast<const ElfW(Verdaux)*>(at + definition->vd_aux);
      return (definition->vd_flags & VER_FLG_BASE) != 0 || same(tables.strings + name->vda_name, wanted);
    }
    if (definition->vd_next == 0) break;
    at += definition->vd_next;
  }
  return true;   // an unversioned symbol of a versioned module
}

void* find_in(const link_map* module, const char* name, std::uint32_t hash, const char* version) {
  const Tables tables = tables_of(module);
  if (tables.symbols == nullptr || tables.strings == nullptr || tables.hash == nullptr) return nullptr;
  const std::uint32_t bucket_count = tables.hash[0], first = tables.hash[1], bloom_size = tables.hash[2],
                      bloom_shift = tables.hash[3];
  if (bucket_count == 0 || bloom_size == 0) return nullptr;
  const auto* bloom = reinterpret_cast<const ElfW(Addr)*>(tables.hash + 4);
  constexpr unsigned kBits = sizeof(ElfW(Addr)) * 8;
  const ElfW(Addr) filter = bloom[(hash / kBits) % bloom_size];
  if (((filter >> (hash % kBits)) & (filter >> ((hash >> bloom_shift) % kBits)) & 1) == 0) return nullptr;
  const auto* buckets = reinterpret_cast<const std::uint32_t*>(bloom + bloom_size);
  const std::uint32_t* chain = buckets + bucket_count;
  std::uint32_t index = buckets[hash % bucket_count];
  if (index < first) return nullptr;
  for (;; ++index) {
    const std::uint32_t entry = chain[index - first];
    const ElfW(Sym)& symbol = tables.symbols[index];
    if ((entry | 1) == (hash | 1) && symbol.st_shndx != SHN_UNDEF && same(tables.strings + symbol.st_name, name) &&
        version_fits(tables, index, version)) {
      void* address = reinterpret_cast<void*>(module->l_addr + symbol.st_value);
      if (ELF64_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC) return reinterpret_cast<void* (*)()>(address)();
      return address;
    }
    if ((entry & 1) != 0) return nullptr;
  }
}

}  // namespace

void* next_definition(const char* name, const char* version) noexcept {
  const auto* own = reinterpret_cast<const ElfW(Dyn)*>(&_DYNAMIC);
  const link_map* module = _r_debug.r_map;
  while (module != nullptr && module->l_ld != own) module = module->l_next;
  if (module == nullptr) return nullptr;
  const std::uint32_t hash = gnu_hash(name);
  for (module = module->l_next; module != nullptr; module = module->l_next)
    if (void* found = find_in(module, name, hash, version)) return found;
  return nullptr;
}

void* first_definition(const char* name) noexcept {
  const auto* own = reinterpret_cast<const ElfW(Dyn)*>(&_DYNAMIC);
  const std::uint32_t hash = gnu_hash(name);
  for (const link_map* module = _r_debug.r_map; module != nullptr; module = module->l_next)
    if (module->l_ld != own)
      if (void* found = find_in(module, name, hash, nullptr)) return found;
  return nullptr;
}

}  // namespace crossdep::runtime
