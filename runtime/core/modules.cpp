// SPDX-License-Identifier: MIT
//
// See modules.h. A library's segments and build-id are read from its ELF header in memory, which every linker puts into
// the first loaded segment; the program's from where the kernel says its program headers are.
//
// Threading: see modules.h.  Allocation: see modules.h.
#include "core/modules.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

#include "core/memory.h"
#include "core/places.h"
#include "core/runtime.h"
#include "core/text.h"

extern "C" const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

namespace crossdep::runtime {

constinit Modules modules;

namespace {

struct Image {
  std::uint64_t begin = 0, end = 0;
  const link_map* map = nullptr;
  const ElfW(Phdr)* segments = nullptr;   // nullptr: unknown
  unsigned segment_count = 0;
};

bool object_at(std::uint64_t address, dl_find_object& out) {
  return _dl_find_object(reinterpret_cast<void*>(address), &out) == 0;
}

void read_header(Image& image) {
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(image.begin);
  for (unsigned i = 0; i < SELFMAG; ++i)
    if (header->e_ident[i] != ELFMAG[i]) return;
  if (header->e_phentsize != sizeof(ElfW(Phdr))) return;
  image.segments = reinterpret_cast<const ElfW(Phdr)*>(image.begin + header->e_phoff);
  image.segment_count = header->e_phnum;
}

// The main program as the kernel mapped it. Where there are gaps between its segments the loader knows each by itself.
const Image& main_program() {
  static Image image;   // the same for every thread that computes it
  static bool ready = false;
  if (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) || _r_debug.r_map == nullptr) return image;
  Image found;
  dl_find_object object;
  const std::uint64_t headers = getauxval(AT_PHDR);
  if (headers != 0 && object_at(headers, object) && object.dlfo_link_map == _r_debug.r_map) {
    found.segments = reinterpret_cast<const ElfW(Phdr)*>(headers);
    found.segment_count = static_cast<unsigned>(getauxval(AT_PHNUM));
    found.begin = ~std::uint64_t{0};
    for (unsigned i = 0; i < found.segment_count; ++i) {
      const ElfW(Phdr)& segment = found.segments[i];
      if (segment.p_type != PT_LOAD) continue;
      const std::uint64_t begin = object.dlfo_link_map->l_addr + segment.p_vaddr;
      if (begin < found.begin) found.begin = begin;
      if (begin + segment.p_memsz > found.end) found.end = begin + segment.p_memsz;
    }
    if (found.begin < found.end) found.map = object.dlfo_link_map;
  }
  image = found;
  __atomic_store_n(&ready, true, __ATOMIC_RELEASE);
  return image;
}

bool find_image(std::uint64_t address, Image& out) {
  dl_find_object found;
  if (!object_at(address, found)) return false;
  if (const Image& main = main_program(); main.map != nullptr && main.map == found.dlfo_link_map) {
    out = main;
    return true;
  }
  out = {reinterpret_cast<std::uint64_t>(found.dlfo_map_start), reinterpret_cast<std::uint64_t>(found.dlfo_map_end),
         found.dlfo_link_map};
  read_header(out);
  return true;
}

template <typename Visit>
void each_segment(const Image& image, Visit visit) {
  for (unsigned i = 0; i < image.segment_count; ++i) visit(image.segments[i]);
}

void find_build_id(const Image& image, std::uint64_t bias, record::ModuleInfo& out) {
  each_segment(image, [&](const ElfW(Phdr)& segment) {
    if (segment.p_type != PT_NOTE || out.build_id != nullptr) return;
    const char* at = reinterpret_cast<const char*>(bias + segment.p_vaddr);
    const char* const end = at + segment.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(at);
      const char* name = at + sizeof *note;
      const char* content = name + ((note->n_namesz + 3u) & ~3u);
      if (content + note->n_descsz > end) return;
      if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && equal(name, "GNU")) {
        out.build_id = reinterpret_cast<const std::uint8_t*>(content);
        out.build_id_length = note->n_descsz;
        return;
      }
      at = content + ((note->n_descsz + 3u) & ~3u);
    }
  });
}

}  // namespace

void Modules::restart() noexcept {
  known_ = nullptr;
  next_serial_ = 0;
}

void Modules::announce(std::uint64_t address, record::Journal& journal) noexcept {
  Image image;
  if (!find_image(address, image)) return;
  for (Known** at = &known_; *at != nullptr;) {
    Known* known = *at;
    if (image.begin == known->begin && image.end == known->end && image.map == known->map) return;
    if (image.begin < known->end && known->begin < image.end) {
      journal.module_unloaded(known->serial);
      *at = known->next;
      memory.drop(known);
      continue;
    }
    at = &known->next;
  }
  auto* known = memory.make<Known>();
  if (known == nullptr) return;
  *known = {image.begin, image.end, image.map, next_serial_++, known_};
  known_ = known;

  constexpr unsigned kMostSegments = 8;
  record::ModuleSegment segments[kMostSegments];
  record::ModuleInfo info{};
  info.serial = known->serial;
  info.bias = image.map->l_addr;
  info.path = image.map->l_name;
  // The main program has no name in the loader's list; the vDSO has one that is no path; a library may have been opened
  // by a relative one.
  Path absolute;
  if (image.map == _r_debug.r_map) info.path = runtime.places.executable.data();
  else if (info.path == nullptr || base_name(info.path) == info.path) info.path = "";
  else if (info.path[0] != '/') {
    add_absolute(absolute, info.path);
    info.path = absolute.data();
  }
  info.segments = segments;
  each_segment(image, [&](const ElfW(Phdr)& segment) {
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0 || info.segment_count == kMostSegments) return;
    const std::uint64_t begin = info.bias + segment.p_vaddr;
    segments[info.segment_count++] = {begin, begin + segment.p_memsz, segment.p_offset};
  });
  find_build_id(image, info.bias, info);
  journal.module(info);
}

bool Modules::is_loaded(const Known& known) noexcept {
  Image image;
  return find_image(known.begin, image) && image.begin == known.begin && image.map == known.map;
}

void Modules::drop(Known* known) noexcept { memory.drop(known); }

void Modules::announce_all(record::Journal& journal) noexcept {
  for (const link_map* map = _r_debug.r_map; map != nullptr; map = map->l_next)
    announce(reinterpret_cast<std::uint64_t>(map->l_ld), journal);
}

bool Modules::is_static_object(std::uint64_t address, std::uint32_t& module) const noexcept {
  Image image;
  if (!find_image(address, image)) return false;
  module = 0;
  for (const char* at = image.map->l_name; at != nullptr && *at != 0; ++at)
    module = (module ^ static_cast<unsigned char>(*at)) * 16777619u;
  bool found = false;
  each_segment(image, [&](const ElfW(Phdr)& segment) {
    const std::uint64_t begin = image.map->l_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W) != 0 && address >= begin && address < begin + segment.p_memsz)
      found = true;
  });
  return found;
}

bool Modules::is_own(std::uint64_t address) const noexcept {
  static std::uint64_t end = 0;   // the same for every thread that computes it
  const auto begin = reinterpret_cast<std::uint64_t>(&__ehdr_start);
  if (__atomic_load_n(&end, __ATOMIC_RELAXED) == 0) {
    Image image;
    if (!find_image(begin, image)) return false;
    __atomic_store_n(&end, image.end, __ATOMIC_RELAXED);
  }
  return address >= begin && address < __atomic_load_n(&end, __ATOMIC_RELAXED);
}

const char* Modules::path_of(std::uint64_t address) const noexcept {
  Image image;
  if (!find_image(address, image) || image.map->l_name == nullptr) return "";
  return image.map->l_name;
}

bool Modules::is_cxx_library(std::uint64_t address) const noexcept {
  const char* name = base_name(path_of(address));
  return begins_with(name, "libstdc++.so") || begins_with(name, "libc++.so");
}

}  // namespace crossdep::runtime
