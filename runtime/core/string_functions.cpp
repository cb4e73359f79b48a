// SPDX-License-Identifier: MIT
//
// memcpy, memmove, memset, memcmp and strlen of our own, seen inside this library only: the engine, the recorder and the
// unwinder call them, the compiler makes calls to them, and a sanitizer's interceptors must not watch our memory.
// Sizes here are small; on x86-64 the string instructions do them well, elsewhere a loop does.
//
// Threading: pure functions.  Allocation: none.
#include <cstddef>
#include <cstdint>

// Defined under their assembler names, hidden: the headers declare them as exported.
#define CROSSDEP_PRIVATE extern "C" __attribute__((visibility("hidden"), used))

CROSSDEP_PRIVATE void* private_memcpy(void* to, const void* from, std::size_t n) __asm__("memcpy");
CROSSDEP_PRIVATE void* private_memmove(void* to, const void* from, std::size_t n) __asm__("memmove");
CROSSDEP_PRIVATE void* private_memset(void* to, int value, std::size_t n) __asm__("memset");
CROSSDEP_PRIVATE int private_memcmp(const void* a, const void* b, std::size_t n) __asm__("memcmp");
CROSSDEP_PRIVATE std::size_t private_strlen(const char* text) __asm__("strlen");

void* private_memcpy(void* to, const void* from, std::size_t n) {
#if defined(__x86_64__)
  void* at = to;
  __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n) : : "memory");
#else
  auto* p = static_cast<char*>(to);
  const auto* q = static_cast<const char*>(from);
  for (std::size_t i = 0; i < n; ++i) p[i] = q[i];
#endif
  return to;
}

void* private_memmove(void* to, const void* from, std::size_t n) {
  auto* p = static_cast<char*>(to);
  const auto* q = static_cast<const char*>(from);
  if (reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(q) >= n) return private_memcpy(to, from, n);
  while (n-- != 0) p[n] = q[n];
  return to;
}

void* private_memset(void* to, int value, std::size_t n) {
#if defined(__x86_64__)
  void* at = to;
  __asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(value) : "memory");
#else
  auto* p = static_cast<unsigned char*>(to);
  for (std::size_t i = 0; i < n; ++i) p[i] = static_cast<unsigned char>(value);
#endif
  return to;
}

int private_memcmp(const void* a, const void* b, std::size_t n) {
  const auto* p = static_cast<const unsigned char*>(a);
  const auto* q = static_cast<const unsigned char*>(b);
  for (std::size_t i = 0; i < n; ++i)
    if (p[i] != q[i]) return p[i] < q[i] ? -1 : 1;
  return 0;
}

std::size_t private_strlen(const char* text) {
  std::size_t n = 0;
  while (text[n] != 0) ++n;
  return n;
}
