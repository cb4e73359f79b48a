// SPDX-License-Identifier: MIT
//
// Which class a new object gets: the rules of identity.h, in their order. Places - of initialisation, of allocation, of
// first use - are return addresses; what a place is further told apart by (callers, shapes, addresses) is hashed, and
// numbered in the order it is met.
//
// Threading: with the Identity's lock held.  Allocation: Memory, a word for each thing numbered.
#include "core/frame_rules.h"
#include "core/heap.h"
#include "core/identity.h"
#include "core/modules.h"
#include "core/runtime.h"
#include "core/stacks.h"
#include "core/stand_in.h"

namespace crossdep::runtime {

using namespace engine;
using ClassSpec = Engine::ClassSpec;

namespace {

/// Salts: what is hashed is of one kind only.
enum : std::uint64_t { kHeapShape = 101, kHeapOffset, kStackSlot, kFirstUse, kHeapArray, kStartRoutine };

}  // namespace

Identity::Place* Identity::place_of(std::uint64_t key) noexcept {
  Place* place = places_.find(key);
  if (place != nullptr) return place;
  place = memory.make<Place>();
  if (place != nullptr && !places_.insert(key, place)) {
    memory.drop(place);
    return nullptr;
  }
  return place;
}

// Whose calls led here, innermost first; the C++ library's own left out. The first is the maker.
unsigned Identity::makers(Site* frames, unsigned capacity) noexcept {
  const unsigned count = stacks.capture(frames, capacity);
  unsigned first = 0;
  while (first < count && modules.is_cxx_library(frames[first])) ++first;
  for (unsigned i = first; i < count; ++i) frames[i - first] = frames[i];
  return count - first;
}

// The callers' chain tells apart what one place makes for others: its first chain is the plain class, further ones are
// numbered in the order they are met.
void Identity::tell_apart(ClassSpec& spec, ClassKey further, const Site* callers, unsigned count, unsigned telling) noexcept {
  std::uint64_t chain = fold(static_cast<unsigned>(spec.kind) + 1, spec.key);
  for (unsigned i = 0; i < count && i < telling; ++i) chain = fold(chain, callers[i]);
  chain |= 2;
  for (unsigned i = 0; i < count && spec.caller_count < ClassSpec::kMostCallers; ++i) spec.callers[spec.caller_count++] = callers[i];
  // A function that is a place of its own, for what lies in its frame, numbers that apart.
  const bool routine = spec.key_kind == ClassKey::kFunction;
  Place* place = place_of(routine ? fold(kStartRoutine, spec.key) | 1ull << 63 : spec.key);
  if (place == nullptr) return;
  if (place->first_chain == 0) place->first_chain = chain;
  if (place->first_chain == chain) return;
  spec.key_kind = further;
  spec.ordinal = ordinal_of(chain, place->next_ordinal);
}

ClassSpec Identity::by_init_site(Kind kind, Site site) noexcept {
  ClassSpec spec;
  spec.kind = kind;
  spec.key_kind = ClassKey::kInitSite;
  Site frames[kMakers];
  const unsigned count = makers(frames, kMakers);
  spec.key = count != 0 ? frames[0] : site;
  const unsigned telling = runtime.options.init_frames;
  tell_apart(spec, ClassKey::kFirstSite, frames + 1, count != 0 ? count - 1 : 0, telling != 0 ? telling - 1 : 0);
  return spec;
}

ClassSpec Identity::by_start_routine(std::uint64_t start, Site site) noexcept {
  if (modules.is_cxx_library(start)) return by_init_site(Kind::kThread, site);   // std::thread's: every thread's
  ClassSpec spec;
  spec.kind = Kind::kThread;
  spec.key_kind = ClassKey::kFunction;
  spec.key = start;
  Site frames[kMakers];
  const unsigned count = makers(frames, kMakers);
  // By functions: an unrolled loop calls from several places.
  for (unsigned i = 0; i < count; ++i)
    if (std::uint64_t function = 0; frame_rule(frames[i] - 1, function), function != 0) frames[i] = function + 1;
  tell_apart(spec, ClassKey::kFunction, frames, count, runtime.options.init_frames);
  return spec;
}

// The number of this chain: known, or the next one.
std::uint32_t Identity::ordinal_of(std::uint64_t chain, std::uint32_t& next) noexcept {
  const std::uint64_t key = chain | 2;   // 0 and 1 are the map's own
  auto ordinal = static_cast<std::uint32_t>(reinterpret_cast<std::uint64_t>(chains_.find(key)));
  if (ordinal != 0) return ordinal;
  ordinal = ++next;
  chains_.insert(key, reinterpret_cast<void*>(std::uint64_t{ordinal}));
  return ordinal;
}

// The class the object had in the process this one was forked from.
const Identity::ClassRecord* Identity::inherited(std::uint64_t address) const noexcept {
  for (const Generation* parent = parents_; parent != nullptr; parent = parent->older) {
    const LockInstance* lock = parent->objects.find(address);
    const ClassRecord* record = lock == nullptr ? nullptr : parent->classes.find(key_of(lock->class_id));
    if (record != nullptr) return record;
  }
  return nullptr;
}

// Whether the object lies in an array in allocated memory: as many objects of its kind as make no record, at one stride.
bool Identity::in_array(Kind kind, std::uint64_t piece, std::uint64_t site, std::uint64_t offset) noexcept {
  constexpr std::uint32_t kFew = 8;
  constexpr std::uint64_t kSmallestStride = 32;   // of a semaphore; what a pool cuts up lies closer
  Place* place = place_of(fold(fold(kHeapArray, site), static_cast<unsigned>(kind)) | 1ull << 63);
  if (place == nullptr) return false;
  Array& array = place->array;
  const std::uint64_t distance = offset > array.first ? offset - array.first : array.first - offset;
  if (array.count >= kFew && array.stride >= kSmallestStride) return distance % array.stride == 0;
  if (array.piece != piece) {
    array = {piece, offset, 0, 1};
    return false;
  }
  std::uint64_t stride = distance;
  for (std::uint64_t other = array.stride; other != 0;) {
    const std::uint64_t rest = stride % other;
    stride = other;
    other = rest;
  }
  array.stride = stride;
  return ++array.count >= kFew && stride >= kSmallestStride;
}

bool Identity::heap_spec(std::uint64_t address, ClassSpec& spec) noexcept {
  constexpr std::uint32_t kMostSizes = 256;
  const Heap::Piece piece = heap.piece_of(address);
  const std::uint64_t offset = address - piece.begin;
  if (piece.size == 0 || piece.site == 0 || offset >= engine::kArrayElement || modules.is_cxx_library(piece.site)) return false;
  if (in_array(spec.kind, piece.begin, piece.site, offset)) {
    spec.key_kind = ClassKey::kHeap;
    spec.key = piece.site;
    spec.ordinal = engine::kArrayElement;
    return true;
  }
  Place* place = place_of(piece.site);
  if (place == nullptr || place->shapes > kMostShapes) return false;
  const std::uint64_t where = fold(fold(fold(kHeapOffset, static_cast<unsigned>(spec.kind)), piece.site), offset);
  ordinal_of(fold(fold(fold(kHeapShape, piece.site), piece.size), offset), place->shapes);
  if (place->shapes > kMostShapes) return false;
  Place* sizes = place_of(where | 1ull << 63);   // no place of code
  if (sizes == nullptr) return false;
  const std::uint32_t size = ordinal_of(fold(where, piece.size), sizes->next_ordinal) - 1;
  if (size >= kMostSizes) return false;
  spec.key_kind = ClassKey::kHeap;
  spec.key = piece.site;
  spec.ordinal = static_cast<std::uint32_t>(offset) | size << 24;
  return true;
}

bool Identity::stack_spec(std::uint64_t address, ClassSpec& spec) noexcept {
  if (!on_own_stack(address)) return false;
  ThreadState& self = this_thread();
  if (self.lowest_object == 0 || address < self.lowest_object) self.lowest_object = address;
  const Frame found = frame_of(address);
  if (found.function == 0) return false;
  Place* place = place_of(found.function);
  if (place == nullptr) return false;
  spec.key_kind = ClassKey::kStack;
  spec.key = found.function;
  spec.ordinal = ordinal_of(fold(fold(fold(kStackSlot, static_cast<unsigned>(spec.kind)), found.function), found.slot),
                            place->next_ordinal);
  if (found.return_slot == 0) return true;
  forget_frame(address);
  auto* frame = memory.make<Frame>();
  if (frame == nullptr) return true;
  *frame = found;
  if (!frames_.insert(address, frame)) memory.drop(frame);
  return true;
}

ClassSpec Identity::spec_of_new(const void* object, Kind kind, Site site, bool initialised) noexcept {
  ClassSpec spec;
  spec.kind = kind;
  const auto address = reinterpret_cast<std::uint64_t>(object);
  if (const Name* name = names_.find(address)) {
    spec.key_kind = ClassKey::kNamed;
    spec.name = name->text;
    spec.name_length = name->length;
    spec.subclass = name->subclass;
    if (name->has_kind) spec.kind = name->kind;
    return spec;
  }
  if (!initialised)
    if (const ClassRecord* record = inherited(address)) return record->spec;
  const bool by_object = runtime.options.class_by == ClassBy::kObject;
  if (std::uint32_t module; modules.is_static_object(address, module)) {
    spec.key_kind = ClassKey::kStatic;
    spec.key = address;
    spec.ordinal = module;
    return spec;
  }
  if (initialised && !by_object) return by_init_site(kind, site);
  if (runtime.options.class_by == ClassBy::kOrigin && (heap_spec(address, spec) || stack_spec(address, spec))) return spec;
  spec.key_kind = ClassKey::kFirstSite;
  spec.key = site;
  if (Place* place = place_of(site)) spec.ordinal = ordinal_of(fold(fold(kFirstUse, site), address), place->next_ordinal);
  return spec;
}

}  // namespace crossdep::runtime
