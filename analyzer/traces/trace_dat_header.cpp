// SPDX-License-Identifier: MIT
//
// See trace_dat_header.h.
#include "traces/trace_dat_header.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "traces/trace_dat_reader.h"

namespace crossdep::traces {
namespace {

constexpr std::string_view kMagic("\x17\x08\x44tracing", 10);

// Walks over the parts of a file of version 6.
class Walk {
 public:
  Walk(int fd, std::uint64_t size) : fd_(fd), size_(size) {}

  std::uint64_t at() const { return at_; }
  const char* part() const { return part_; }

  bool version_6(std::uint32_t& cpus) {
    part_ = "the header";
    char start[16];
    if (!read(start, 10)) return false;
    std::string version;
    if (!word(version)) return false;
    char endian = 0, wide = 0;
    std::uint32_t page = 0;
    if (!read(&endian, 1) || !read(&wide, 1) || !read(&page, 4)) return false;
    if (endian != 0) return true;   // of another byte order: the caller's to refuse
    part_ = "the header";
    std::string name;
    std::uint64_t size = 0;
    for (int i = 0; i < 2; ++i)
      if (!word(name) || !read(&size, 8) || !skip(size)) return false;
    part_ = "the events' formats";
    std::uint32_t count = 0, systems = 0;
    if (!read(&count, 4) || !sized(count)) return false;
    if (!read(&systems, 4)) return false;
    for (std::uint32_t i = 0; i < systems; ++i)
      if (!word(name) || !read(&count, 4) || !sized(count)) return false;
    part_ = "the symbols";
    std::uint32_t length = 0;
    for (int i = 0; i < 2; ++i)   // kallsyms, printk formats
      if (!read(&length, 4) || !skip(length)) return false;
    part_ = "the names of tasks";
    if (!read(&size, 8) || !skip(size)) return false;
    return read(&cpus, 4) && options(cpus);
  }

 private:
  bool options(std::uint32_t cpus) {
    part_ = "the options";
    char kind[11] = {};
    if (!read(kind, 10)) return false;
    if (std::memcmp(kind, "options  ", 9) == 0) {
      for (;;) {
        std::uint16_t id = 0;
        std::uint32_t length = 0;
        if (!read(&id, 2)) return false;
        if (id == 0) break;
        if (!read(&length, 4) || !skip(length)) return false;
      }
      if (!read(kind, 10)) return false;
    }
    if (std::memcmp(kind, "flyrecord", 9) != 0) return true;   // the text of a latency tracer: the library's to refuse
    part_ = "the records";
    for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
      std::uint64_t offset = 0, length = 0;
      if (!read(&offset, 8) || !read(&length, 8)) return false;
      if (offset > size_ || length > size_ - offset) {
        at_ = size_;
        return false;
      }
    }
    return true;
  }
  bool sized(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      std::uint64_t size = 0;
      if (!read(&size, 8) || !skip(size)) return false;
    }
    return true;
  }
  bool read(void* out, std::size_t size) {
    if (size > size_ - at_ || ::pread(fd_, out, size, static_cast<off_t>(at_)) != static_cast<ssize_t>(size)) return false;
    at_ += size;
    return true;
  }
  bool skip(std::uint64_t size) {
    if (size > size_ - at_) return false;
    at_ += size;
    return true;
  }
  bool word(std::string& out) {
    out.clear();
    for (char c; out.size() < 256;) {
      if (!read(&c, 1)) return false;
      if (c == 0) return true;
      out.push_back(c);
    }
    return false;
  }

  int fd_;
  std::uint64_t size_, at_ = 0;
  const char* part_ = "";
};

}  // namespace

bool looks_like_trace_dat(std::string_view bytes) { return bytes.starts_with(kMagic); }

Status check_trace_dat_header(const std::string& path, const std::string& file) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Status::fail(file, std::string("cannot be opened: ") + std::strerror(errno));
  struct stat about {};
  char start[16] = {};
  const bool readable = ::fstat(fd, &about) == 0 && ::pread(fd, start, sizeof start - 1, 0) >= 12;
  Status status;
  const std::string_view bytes(start, sizeof start - 1);
  if (!readable || !looks_like_trace_dat(bytes)) {
    status = Status::at_offset(Status::Outcome::kFailed, file, 0, "is no trace.dat");
  } else if (const std::string version(start + 10); version == "6") {
    Walk walk(fd, static_cast<std::uint64_t>(about.st_size));
    std::uint32_t cpus = 0;
    if (!walk.version_6(cpus))
      status = Status::at_offset(Status::Outcome::kFailed, file, walk.at(), std::string("the trace.dat is damaged or cut in ") + walk.part());
  } else if (version != "7") {
    status = Status::at_offset(Status::Outcome::kFailed, file, 10, "is a trace.dat of version " + version + ", of which only 6 and 7 are known");
  }
  ::close(fd);
  return status;
}

}  // namespace crossdep::traces
