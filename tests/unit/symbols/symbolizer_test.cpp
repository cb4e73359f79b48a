// SPDX-License-Identifier: MIT
//
// Looks up addresses of a small library that the test compiles, loads and calls: functions, lines, inlined calls, static
// objects, stripped and separate debug data, a file that is not the recorded one.
#include "symbols/symbolizer.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>

#include "catch.hpp"
#include "symbols/demangle.h"

namespace {

using namespace crossdep::symbols;

// Line numbers below count from the first line of this text.
constexpr const char* kFirstFile = R"(extern "C" { void* where[4]; }
extern "C" __attribute__((noinline)) void note(int i) {
  where[i] = __builtin_return_address(0);
  asm volatile("" ::: "memory");
}
static inline __attribute__((always_inline)) void inner(int i) {
  note(i);
  asm volatile("" ::: "memory");
}
static inline __attribute__((always_inline)) void middle(int i) {
  inner(i);
}
extern "C" __attribute__((noinline)) void outer() {
  middle(0);
  asm volatile("" ::: "memory");
}
static int local_lock;
int global_lock;
struct { long before; int lock; } state;
namespace { struct Table { int cells[4]; } table; }
extern "C" void* object(int i) {
  void* all[] = {&local_lock, &global_lock, &state.lock, &table.cells[0]};
  return all[i];
}
namespace ns {
template <class T> struct Box {
  __attribute__((noinline)) void put(T value) {
    note(1 + static_cast<int>(value));
    asm volatile("" ::: "memory");
  }
};
template struct Box<int>;
}
extern "C" void run() {
  outer();
  ns::Box<int>().put(0);
  asm volatile("" ::: "memory");
}
)";
constexpr const char* kSecondFile = R"(static int local_lock;
extern "C" void* other_object() { return &local_lock; }
struct Row { long filler[4]; int lock; };
typedef const volatile Row Pair[2];
static Pair rows[3] = {};
struct Base { long filler[8]; int guard; };
struct Derived : Base { struct { int before, inner[2]; }; } derived;
namespace ns { struct Shelf { static int shared[20]; }; int Shelf::shared[20]; }
extern "C" const volatile void* element(int i) {
  static Row kept[3];
  const volatile void* all[] = {&rows[2][1].lock, &derived.guard, &derived.inner[1], &kept[1].lock, &ns::Shelf::shared[3], &rows[0][0]};
  return all[i];
}
)";

bool shell(const std::string& command) { return std::system(command.c_str()) == 0; }

struct Library {
  explicit Library(const std::string& after_build = {}) {
    REQUIRE(::mkdtemp(folder) != nullptr);
    const std::string at(folder);
    std::ofstream(at + "/first.cpp") << kFirstFile;
    std::ofstream(at + "/second.cpp") << kSecondFile;
    REQUIRE(shell("cd " + at + " && c++ -g -O2 -fPIC -shared -Wl,--build-id -o libfixture.so first.cpp second.cpp"));
    if (!after_build.empty()) REQUIRE(shell("cd " + at + " && " + after_build));
    path = at + "/libfixture.so";
    handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    REQUIRE(handle != nullptr);
    reinterpret_cast<void (*)()>(::dlsym(handle, "run"))();
    where = reinterpret_cast<void**>(::dlsym(handle, "where"));
    ::dl_iterate_phdr(find, this);
    REQUIRE_FALSE(module.path.empty());
  }
  ~Library() {
    ::dlclose(handle);
    shell("rm -rf " + std::string(folder));
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  std::uint64_t site(int i) const { return reinterpret_cast<std::uint64_t>(where[i]); }
  std::uint64_t object(int i) const {
    return reinterpret_cast<std::uint64_t>(reinterpret_cast<void* (*)(int)>(::dlsym(handle, "object"))(i));
  }
  std::uint64_t element(int i) const {
    return reinterpret_cast<std::uint64_t>(reinterpret_cast<const void* (*)(int)>(::dlsym(handle, "element"))(i));
  }
  std::uint64_t other_object() const {
    return reinterpret_cast<std::uint64_t>(reinterpret_cast<void* (*)()>(::dlsym(handle, "other_object"))());
  }

  static int find(dl_phdr_info* info, std::size_t, void* self) {
    Library& library = *static_cast<Library*>(self);
    if (library.path != info->dlpi_name) return 0;
    library.module.path = info->dlpi_name;
    library.module.bias = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
      const auto& header = info->dlpi_phdr[i];
      const std::uint64_t begin = info->dlpi_addr + header.p_vaddr;
      if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0) library.module.ranges.push_back({begin, begin + header.p_memsz});
      if (header.p_type != PT_NOTE) continue;
      for (std::uint64_t at = begin; at < begin + header.p_memsz;) {
        const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(at);
        const char* name = reinterpret_cast<const char*>(note + 1);
        const char* bits = name + ((note->n_namesz + 3) & ~3u);
        if (note->n_type == NT_GNU_BUILD_ID) library.module.build_id.assign(bits, note->n_descsz);
        at = reinterpret_cast<std::uint64_t>(bits) + ((note->n_descsz + 3) & ~3u);
      }
    }
    return 1;
  }

  char folder[32] = "/tmp/crossdep-sym-XXXXXX";
  std::string path;
  void* handle = nullptr;
  void** where = nullptr;
  Module module;
};

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

void check_full_frames(Symbolizer& symbolizer, const Library& library) {
  const std::vector<Frame>& frames = symbolizer.frames(library.site(0));
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].function == "inner");
  CHECK(frames[0].inlined);
  CHECK(file_name(frames[0].file) == "first.cpp");
  CHECK(frames[0].line == 7);
  CHECK(frames[1].function == "middle");
  CHECK(frames[1].inlined);
  CHECK(frames[1].line == 11);
  CHECK(frames[2].function == "outer");
  CHECK_FALSE(frames[2].inlined);
  CHECK(frames[2].line == 14);
  CHECK(frames[2].offset > 0);
  CHECK(frames[2].offset <= frames[2].size);
  CHECK(frames[2].module == "libfixture.so");
}

}  // namespace

TEST_CASE("compact C++ names", "[symbols]") {
  CHECK(demangle("main") == "main");
  CHECK(demangle("_ZN3Foo3mu_E") == "Foo::mu_");
  CHECK(demangle("_ZN2ns3BoxIiE3putEi") == "ns::Box<int>::put");
  CHECK(demangle("_Znot_a_name") == "_Znot_a_name");
  CHECK(compact("(anonymous namespace)::table") == "{anonymous}::table");
  CHECK(compact("foo()::mu") == "foo::mu");
  CHECK(compact("void run<int>(int, char const*)") == "run<int>");
  CHECK(compact("Foo::get() const") == "Foo::get");
  CHECK(compact("Functor::operator()(int) const") == "Functor::operator()");
  CHECK(compact("main::{lambda(int)#1}::operator()(int) const") == "main::{lambda#1}::operator()");
  CHECK(compact("operator<(A const&, B const&)") == "operator<");
  CHECK(compact("Foo::operator bool() const") == "Foo::operator bool");
  CHECK(compact("std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::size() const") == "std::string::size");
  CHECK(compact("std::map<std::string, std::vector<int, std::allocator<int> > >::find(int)") == "std::map<...>::find");
  CHECK(compact("void Queue<void (int)>::push(std::function<void (int)> const&)") == "Queue<void (int)>::push");
  CHECK(compact("Table<void (*)(int, char)>::mu") == "Table<void (*)(int, char)>::mu");
  CHECK(compact("Table<int (*(*)(int))(char)>::get() const") == "Table<int (*(*)(int))(char)>::get");
  CHECK(compact("Table<f(int)::{lambda()#1}>::run()") == "Table<f::{lambda#1}>::run");
  CHECK(compact("std::enable_if<(2>(1)), int>::type f<int>(int)") == "f<int>");
  CHECK(compact("bool operator< <A (B)>(A const&)") == "operator< <A (B)>");
  CHECK(compact("Node* List<Node>::operator-><int>() const") == "List<Node>::operator-><int>");
  CHECK(compact("std::ostream& operator<< <char>(std::ostream&, A const&)") == "operator<< <char>");
  CHECK(compact("void each<&A::operator()>(A*)") == "each<&A::operator()>");
  CHECK(compact("void invoke<void (Foo::*)() const, Foo*>(int)") == "invoke<...>");
  CHECK(compact("guard variable for foo()::mu") == "guard variable for foo::mu");
}

TEST_CASE("functions, lines and inlined calls", "[symbols]") {
  if (!Symbolizer::available()) return;
  const Library library;
  std::vector<std::string> notes;
  Symbolizer symbolizer({library.module}, "/usr/bin/program", [&](const std::string& note) { notes.push_back(note); });
  check_full_frames(symbolizer, library);
  const std::vector<Frame>& box = symbolizer.frames(library.site(1));
  REQUIRE(box.size() == 1);
  CHECK(box[0].function == "ns::Box<int>::put");
  CHECK(box[0].line == 28);
  CHECK_FALSE(box[0].library);
  CHECK(symbolizer.function_name(reinterpret_cast<std::uint64_t>(::dlsym(library.handle, "outer"))) == "outer");
  CHECK(notes.empty());
}

TEST_CASE("the main program's frames carry no module", "[symbols]") {
  if (!Symbolizer::available()) return;
  const Library library;
  Symbolizer symbolizer({library.module}, library.path, nullptr);
  CHECK(symbolizer.frames(library.site(0)).back().module.empty());
}

TEST_CASE("static objects by symbol", "[symbols]") {
  if (!Symbolizer::available()) return;
  const Library library;
  Symbolizer symbolizer({library.module}, "/usr/bin/program", nullptr);
  CHECK(symbolizer.object_name(library.object(0)) == "local_lock");
  CHECK(symbolizer.object_name(library.object(1)) == "global_lock");
  CHECK(symbolizer.object_name(library.object(2)) == "state.lock");
  CHECK(symbolizer.object_name(library.object(3)) == "{anonymous}::table");
  CHECK(symbolizer.object_name(library.other_object()) == "local_lock");
  CHECK(symbolizer.object_file(library.object(0)) == "first.cpp");
  CHECK(symbolizer.object_file(library.other_object()) == "second.cpp");
  CHECK(symbolizer.object_file(library.object(1)) == "libfixture.so");
  CHECK(symbolizer.object_name(0x10).empty());
}

TEST_CASE("elements and members of static objects by their types", "[symbols]") {
  if (!Symbolizer::available()) return;
  const Library library;
  Symbolizer symbolizer({library.module}, "/usr/bin/program", nullptr);
  CHECK(symbolizer.object_name(library.element(0)) == "rows[2][1].lock");
  CHECK(symbolizer.object_name(library.element(1)) == "derived.guard");
  CHECK(symbolizer.object_name(library.element(2)) == "derived.inner[1]");
  CHECK(symbolizer.object_name(library.element(3)) == "element::kept[1].lock");
  CHECK(symbolizer.object_name(library.element(4)) == "ns::Shelf::shared[3]");
  CHECK(symbolizer.object_name(library.element(5)) == "rows[0][0]");
  CHECK(symbolizer.object_name(library.element(5) + 1) == "rows+0x1");
}

TEST_CASE("debug data in a file of its own is found", "[symbols]") {
  if (!Symbolizer::available() || !shell("command -v objcopy >/dev/null")) return;
  const Library library(
      "objcopy --only-keep-debug libfixture.so libfixture.debug && strip libfixture.so && "
      "objcopy --add-gnu-debuglink=libfixture.debug libfixture.so");
  Symbolizer symbolizer({library.module}, "/usr/bin/program", nullptr);
  check_full_frames(symbolizer, library);
  CHECK(symbolizer.object_name(library.object(0)) == "local_lock");
}

TEST_CASE("a stripped library has its exported functions, and offsets", "[symbols]") {
  if (!Symbolizer::available() || !shell("command -v strip >/dev/null")) return;
  const Library library("strip libfixture.so");
  Symbolizer symbolizer({library.module}, "/usr/bin/program", nullptr);
  const std::vector<Frame>& frames = symbolizer.frames(library.site(0));
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].function == "outer");
  CHECK(frames[0].file.empty());
  // Not the address, which is another one in each run.
  char expected[64];
  std::snprintf(expected, sizeof expected, "libfixture.so+0x%llx", static_cast<unsigned long long>(library.object(0) - library.module.bias));
  CHECK(symbolizer.object_name(library.object(0)) == expected);
}

TEST_CASE("a file that is not the recorded one yields offsets and one line", "[symbols]") {
  if (!Symbolizer::available()) return;
  Library library;
  library.module.build_id = "other";
  std::vector<std::string> notes;
  Symbolizer symbolizer({library.module}, "/usr/bin/program", [&](const std::string& note) { notes.push_back(note); });
  for (int i = 0; i < 2; ++i) {
    const std::vector<Frame>& frames = symbolizer.frames(library.site(i));
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].function.empty());
    CHECK(frames[0].module == "libfixture.so");
    CHECK(frames[0].offset == library.site(i) - library.module.bias);
  }
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find(library.path + ": not the file that was recorded (build-id ") == 0);
}

TEST_CASE("a missing file yields offsets and one line", "[symbols]") {
  if (!Symbolizer::available()) return;
  Module gone;
  gone.path = "/nonexistent/libgone.so";
  gone.bias = 0x10000;
  gone.ranges = {{0x11000, 0x12000}};
  std::vector<std::string> notes;
  Symbolizer symbolizer({gone}, "", [&](const std::string& note) { notes.push_back(note); });
  const std::vector<Frame>& frames = symbolizer.frames(0x11010);
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].module == "libgone.so");
  CHECK(frames[0].offset == 0x1010);
  CHECK(symbolizer.frames(0x11020).size() == 1);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find("/nonexistent/libgone.so: cannot read: No such file or directory") == 0);
}

TEST_CASE("an address in no module is printed as it is", "[symbols]") {
  Symbolizer symbolizer({}, "", nullptr);
  const std::vector<Frame>& frames = symbolizer.frames(0x1234);
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].offset == 0x1234);
  CHECK(frames[0].module.empty());
}

TEST_CASE("where modules overlap the later one counts", "[symbols]") {
  Module first, second;
  first.path = "/nonexistent/first.so";
  second.path = "/nonexistent/second.so";
  first.ranges = second.ranges = {{0x1000, 0x2000}};
  Symbolizer symbolizer({first, second}, "", nullptr);
  CHECK(symbolizer.frames(0x1800).front().module == "second.so");
}
