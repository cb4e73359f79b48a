// SPDX-License-Identifier: MIT
//
// Resolution as in execvp(3), `#!` lines followed as the kernel does, then the ELF file's own word.
//
// Threading: pure functions of the file system.  Allocation: the heap.
#include "cli/target.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "cli/elf_file.h"

namespace crossdep::cli {
namespace {

constexpr unsigned kMaxInterpreters = 5;   // the kernel's own limit

void fail(Target& target, int error, const std::string& path) {
  target.failure = error == ENOENT ? 127 : 126;
  target.cause = path + ": " + (error == ENOENT ? "not found" : std::strerror(error));
}

int executable(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return errno == ENOTDIR ? ENOENT : errno;
  if (!S_ISREG(info.st_mode)) return S_ISDIR(info.st_mode) ? EISDIR : EACCES;
  return access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

/// Fills path or failure. A file that is there but may not be executed counts only if no later one may.
void resolve(Target& target, const std::string& command) {
  if (command.find('/') != std::string::npos) {
    const int error = executable(command);
    if (error != 0) return fail(target, error, command);
    target.path = command;
    return;
  }
  const char* path = std::getenv("PATH");
  std::string list = path != nullptr ? path : "/usr/local/bin:/bin:/usr/bin";
  int worst = ENOENT;
  for (std::size_t begin = 0; !command.empty() && begin <= list.size();) {
    std::size_t end = list.find(':', begin);
    if (end == std::string::npos) end = list.size();
    const std::string folder = end == begin ? "." : list.substr(begin, end - begin);
    const std::string candidate = folder + "/" + command;
    const int error = executable(candidate);
    if (error == 0) {
      target.path = candidate;
      return;
    }
    if (error == EACCES) worst = error;
    begin = end + 1;
  }
  fail(target, worst, command);
}

/// The interpreter of a script, "/bin/sh" for a text without one (execvp's rule), "" for what is neither.
std::string interpreter_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string line(256, '\0');
  in.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<std::size_t>(in.gcount()));
  if (line.rfind("#!", 0) != 0) return "/bin/sh";
  line = line.substr(2, line.find('\n') - 2);
  const std::size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string::npos) return "";
  return line.substr(begin, line.find_first_of(" \t\r", begin) - begin);
}

/// The kernel sets AT_SECURE when the program gains identities its caller has not.
bool privileged(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return false;
  if ((info.st_mode & S_ISUID) != 0 && info.st_uid != getuid()) return true;
  if ((info.st_mode & S_ISGID) != 0 && (info.st_mode & S_IXGRP) != 0 && info.st_gid != getgid()) return true;
  return getuid() != 0 && getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
}

bool wants_to_be_first(const std::string& library) {
  for (const char* name : {"libasan.so", "libtsan.so", "libhwasan.so", "libclang_rt.asan", "libclang_rt.tsan",
                           "libclang_rt.hwasan"})
    if (library.rfind(name, 0) == 0) return true;
  return false;
}

}  // namespace

Target inspect_target(const std::string& command) {
  Target target;
  resolve(target, command);
  if (target.failure != 0) return target;

  target.program = target.path;
  ElfFacts facts = read_elf(target.program);
  for (unsigned i = 0; i < kMaxInterpreters && !facts.is_elf; ++i) {
    const std::string interpreter = interpreter_of(target.program);
    const int error = interpreter.empty() ? ENOEXEC : executable(interpreter);
    if (error != 0) {
      // The kernel says ENOENT for a script whose interpreter is missing; the script itself is there: 126 as shells do.
      target.failure = 126;
      target.cause = target.path + ": its interpreter '" + interpreter + "': " + std::strerror(error);
      return target;
    }
    target.program = interpreter;
    facts = read_elf(target.program);
  }

  const std::string own_loader = read_elf("/proc/self/exe").interpreter;
  const bool is_loader = facts.interpreter.empty() && facts.soname.rfind("ld-", 0) == 0;
  if (privileged(target.program)) target.preload = Target::Preload::kPrivileged;
  else if (!facts.native) target.preload = Target::Preload::kForeign;
  else if (facts.interpreter.empty() && !is_loader) target.preload = Target::Preload::kStatic;
  else if (!is_loader && !own_loader.empty() && facts.interpreter != own_loader) {
    // Loaders are often reached by several paths (/lib64, /usr/lib64): the same file is the same loader.
    struct stat theirs, ours;
    if (stat(facts.interpreter.c_str(), &theirs) != 0 || stat(own_loader.c_str(), &ours) != 0 ||
        theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev)
      target.preload = Target::Preload::kForeign;
  }
  for (const std::string& library : facts.needed)
    if (wants_to_be_first(library)) target.sanitizers.push_back(library);
  return target;
}

}  // namespace crossdep::cli
