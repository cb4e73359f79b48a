# SPDX-License-Identifier: MIT
#
# cmake --install: what lies where, and that the installed program works from any path.
import shutil

from harness import SOURCE, test


def install(box, prefix):
    done = box.run("cmake", "--install", box.build, "--prefix", prefix)
    box.equal(done.status, 0, "status of cmake --install")
    return prefix


def library_in(box, prefix):
    found = list(prefix.rglob("libcrossdep.so"))
    box.equal(len(found), 1, "libraries installed")
    return found[0]


@test
def installed_files(box):
    prefix = install(box, box.folder / "prefix")
    for name in ("bin/crossdep", "include/crossdep.h"):
        box.check((prefix / name).is_file(), f"{name} is not installed")
    library_in(box, prefix)
    box.check(list(prefix.rglob("CrossdepConfig.cmake")), "no CMake package")
    box.check((prefix / "share" / "crossdep" / "rules").is_dir() or not list((SOURCE / "rules").glob("*.json")),
              "no rules")


@test
def installed_program_finds_its_library_in_a_path_with_blanks(box):
    prefix = install(box, box.folder / "my programs: all of them")
    program = SOURCE / "examples" / "abba" / "abba.c"
    program = box.compile(program.relative_to(SOURCE))
    done = box.run(prefix / "bin" / "crossdep", "run", "-o", box.folder / "re sults", "--record", "--", program)
    box.equal(done.status, 66, "status")
    box.has(done.err, "WARNING: possible circular locking dependency detected")
    box.lacks(done.err, "ld.so")
    box.equal(len(box.findings("re sults/crossdep.cdgraph")), 1, "findings")


@test
def program_through_a_symbolic_link(box):
    link = box.folder / "cd"
    link.symlink_to(box.crossdep)
    done = box.run(link, "run", "-o", "results", "--", box.compile("examples/abba/abba.c"))
    box.equal(done.status, 66, "status")


@test
def missing_library_is_our_own_failure(box):
    (box.folder / "bin").mkdir()
    shutil.copy(box.crossdep, box.folder / "bin" / "crossdep")
    done = box.run(box.folder / "bin" / "crossdep", "run", "--", "true")
    box.equal(done.status, 125, "status")
    box.has(done.err, "libcrossdep.so")


@test
def cmake_package(box):
    prefix = install(box, box.folder / "prefix")
    box.write("user/CMakeLists.txt", "cmake_minimum_required(VERSION 3.22)\nproject(user C)\n"
              "find_package(Crossdep REQUIRED)\nadd_executable(user user.c)\n"
              "target_link_libraries(user Crossdep::crossdep)\n")
    box.write("user/user.c", '#include "crossdep.h"\nstatic int lock;\n'
              'int main(void) { crossdep_acquire(&lock, CROSSDEP_WRITE, 0); crossdep_release(&lock); return 0; }\n')
    done = box.run("cmake", "-S", "user", "-B", "out", f"-DCMAKE_PREFIX_PATH={prefix}")
    box.equal(done.status, 0, "configure")
    box.equal(box.run("cmake", "--build", "out").status, 0, "build")
    box.equal(box.run("out/user").status, 0, "status alone")
    box.equal(box.under("out/user").status, 0, "status under crossdep")


@test
def header_in_every_language_mode(box):
    box.write("use.c", '#include "crossdep.h"\nint use(void* lock) { crossdep_acquire(lock, CROSSDEP_READ, 0); '
              'crossdep_release(lock); return 0; }\n')
    shutil.copy(box.folder / "use.c", box.folder / "use.cpp")
    modes = [("gcc", "c99"), ("gcc", "c11"), ("g++", "c++11"), ("g++", "c++20")]
    if shutil.which("clang"):
        modes += [("clang", "c11"), ("clang++", "c++20")]
    for compiler, mode in modes:
        source = "use.cpp" if "++" in mode else "use.c"
        done = box.run(compiler, f"-std={mode}", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{SOURCE}/runtime/include",
                       "-c", source, "-o", "use.o")
        box.equal(done.status, 0, f"{compiler} -std={mode}")
