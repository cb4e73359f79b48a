// SPDX-License-Identifier: MIT
//
// The heap: who allocated what (core/heap.h), and the end of the locks in memory that is freed or unmapped. Nothing else
// is looked at; the allocator is the program's own. Of operator new's family the allocating half only: operator delete
// ends in free().
//
// A lock that is in a freed piece dies before the memory can be anybody else's. realloc() ends the locks of a piece before
// it may move them: a lock that was not moved is a new one of the same class from then on.
//
// Threading: any thread; a free() inside the runtime's own critical sections does not occur.  Allocation: none here.
#include "core/heap.h"

#include <sys/mman.h>

#include <cstddef>

#include "core/elf_lookup.h"
#include "interpose/lock_call.h"

using namespace crossdep::runtime;

namespace {

std::uint64_t number(const void* pointer) noexcept { return reinterpret_cast<std::uint64_t>(pointer); }

__attribute__((noinline)) void end_locks(const void* begin, std::size_t size, Site site) noexcept {
  if (Inside inside = Inside::enter()) identity.gone(inside, number(begin), number(begin) + size, site);
}

__attribute__((always_inline)) inline void freed(void* piece, Site site) noexcept {
  const std::size_t size = heap.freed(piece);
  if (size != 0 && identity.may_hold(number(piece), size)) [[unlikely]] end_locks(piece, size, site);
}

}  // namespace

CROSSDEP_EXPORT void* malloc(std::size_t size) noexcept {
  void* piece = call_real(real.malloc, size);
  heap.allocated(piece, size, CROSSDEP_CALLER);
  return piece;
}
CROSSDEP_EXPORT void* calloc(std::size_t count, std::size_t size) noexcept {
  void* piece = call_real(real.calloc, count, size);
  heap.allocated(piece, count * size, CROSSDEP_CALLER);   // no overflow where it succeeded
  return piece;
}
CROSSDEP_EXPORT void* realloc(void* old, std::size_t size) noexcept {
  if (old != nullptr) freed(old, CROSSDEP_CALLER);
  void* piece = call_real(real.realloc, old, size);
  heap.allocated(piece, size, CROSSDEP_CALLER);
  return piece;
}
CROSSDEP_EXPORT void* reallocarray(void* old, std::size_t count, std::size_t size) noexcept {
  if (old != nullptr) freed(old, CROSSDEP_CALLER);
  void* piece = call_real(real.reallocarray, old, count, size);
  heap.allocated(piece, count * size, CROSSDEP_CALLER);
  return piece;
}
CROSSDEP_EXPORT void* memalign(std::size_t alignment, std::size_t size) noexcept {
  void* piece = call_real(real.memalign, alignment, size);
  heap.allocated(piece, size, CROSSDEP_CALLER);
  return piece;
}
CROSSDEP_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  void* piece = call_real(real.aligned_alloc, alignment, size);
  heap.allocated(piece, size, CROSSDEP_CALLER);
  return piece;
}
CROSSDEP_EXPORT int posix_memalign(void** piece, std::size_t alignment, std::size_t size) noexcept {
  const int result = call_real(real.posix_memalign, piece, alignment, size);
  if (result == 0) heap.allocated(*piece, size, CROSSDEP_CALLER);
  return result;
}
CROSSDEP_EXPORT void free(void* piece) noexcept {
  if (piece != nullptr) freed(piece, CROSSDEP_CALLER);
  call_real(real.free, piece);
}

CROSSDEP_EXPORT int munmap(void* begin, std::size_t size) noexcept {
  if (identity.may_hold(number(begin), size)) [[unlikely]] end_locks(begin, size, CROSSDEP_CALLER);
  return call_real(real.munmap, begin, size);
}

// operator new and operator new[], plain, nothrow and aligned, by their mangled names.
#define CROSSDEP_NEW(symbol, parameters, arguments)                        \
  CROSSDEP_EXPORT void* symbol parameters;                                 \
  CROSSDEP_EXPORT void* symbol parameters {                                \
    using Function = void* parameters;                                     \
    static constinit std::atomic<Function*> known{nullptr};                \
    auto* const function = late_definition(known, #symbol);                \
    if (function == nullptr) return nullptr;                               \
    void* piece = function arguments;                                      \
    heap.allocated_for(piece, CROSSDEP_CALLER);                            \
    return piece;                                                          \
  }
#define CROSSDEP_NEW_FAMILY(prefix)                                                                                     \
  CROSSDEP_NEW(prefix##m, (std::size_t size), (size))                                                                   \
  CROSSDEP_NEW(prefix##mRKSt9nothrow_t, (std::size_t size, const void* nothrow), (size, nothrow))                       \
  CROSSDEP_NEW(prefix##mSt11align_val_t, (std::size_t size, std::size_t alignment), (size, alignment))                  \
  CROSSDEP_NEW(prefix##mSt11align_val_tRKSt9nothrow_t,                                                                  \
               (std::size_t size, std::size_t alignment, const void* nothrow), (size, alignment, nothrow))
CROSSDEP_NEW_FAMILY(_Znw)
CROSSDEP_NEW_FAMILY(_Zna)
