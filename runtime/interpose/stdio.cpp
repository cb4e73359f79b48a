// SPDX-License-Identifier: MIT
//
// flockfile and its like: a FILE is a recursive mutex. The lock that each call of the library takes and gives back on its
// own - printf, fread … - is not visible here.
//
// Threading: any thread.  Allocation: none here.
#include <stdio.h>

#include "interpose/lock_call.h"

using namespace crossdep::runtime;
using crossdep::engine::Kind;

namespace {

struct File {
  using Object = FILE;
  static constexpr Kind kKind = Kind::kMutex;
  static std::uint8_t flags(const Object*) noexcept { return crossdep::engine::kRecursiveLock; }
  static bool taken(int result) noexcept { return result == 0; }
};

/// The three standard ones by their names; the rest as any object.
LockInstance* instance(Token inside, FILE* file, Site site) noexcept {
  const char* const name = file == stdout ? "stdout" : file == stderr ? "stderr" : file == stdin ? "stdin" : nullptr;
  if (name != nullptr && identity.find(file) == nullptr)
    identity.named(inside, file, name, true, Kind::kMutex, 0, site, crossdep::engine::kRecursiveLock);
  return instance_of<File>(inside, file, site);
}

}  // namespace

CROSSDEP_EXPORT void flockfile(FILE* file) noexcept {
  const Site site = CROSSDEP_CALLER;
  LockInstance* lock = nullptr;
  if (Inside inside = Inside::enter()) {
    lock = instance(inside, file, site);
    request(inside, lock, Mode::kWrite, 0, site);
  }
  call_real(real.flockfile, file);
  if (lock == nullptr) return;
  if (Inside inside = Inside::enter()) acquired(inside, lock, Mode::kWrite, 0, site);
}
CROSSDEP_EXPORT int ftrylockfile(FILE* file) noexcept {
  const Site site = CROSSDEP_CALLER;
  if (Inside inside = Inside::enter()) instance(inside, file, site);
  return take<File>(real.ftrylockfile, Mode::kWrite, crossdep::engine::kTry, site, file);
}
CROSSDEP_EXPORT void funlockfile(FILE* file) noexcept { give<File>(real.funlockfile, CROSSDEP_CALLER, file); }
