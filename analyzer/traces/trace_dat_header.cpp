// SPDX-License-Identifier: MIT
//
// See trace_dat_header.h.
#include "traces/trace_dat_header.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "traces/trace_dat_reader.h"

namespace crossdep::traces {
namespace {

constexpr std::string_view kMagic("\x17\x08\x44tracing", 10);

// Walks over the parts of a file: those of version 6 follow each other in a fixed order, those of version 7 are sections with
// a size each, found by offsets in sections of options. Both writers lay them one behind the other up to the file's end.
class Walk {
 public:
  Walk(int fd, std::uint64_t size) : fd_(fd), size_(size) {}

  std::uint64_t at() const { return at_; }
  const char* part() const { return part_; }

  bool version_6(std::uint32_t& cpus) {
    bool foreign = false;
    if (!start(foreign)) return false;
    if (foreign) return true;
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

  bool version_7() {
    bool foreign = false;
    std::string word_read;
    std::uint64_t first_options = 0;
    if (!start(foreign)) return false;
    if (foreign) return true;
    if (!word(word_read) || !word(word_read) || !read(&first_options, 8)) return false;   // the packer and its version
    bool strings = false, named = false;
    while (at_ < size_) {
      std::uint16_t id = 0, flags = 0;
      std::uint32_t name = 0;
      std::uint64_t length = 0;
      part_ = "the head of a section";
      if (!read(&id, 2) || !read(&flags, 2) || !read(&name, 4) || !read(&length, 8)) return false;
      part_ = name_of_section(id);
      const std::uint64_t begin = at_;
      if (!skip(length)) return false;
      strings |= id == kStrings;
      named |= name != 0;
      if (id == kOptions && (flags & kPacked) == 0 && !section_options(begin, length)) return false;
    }
    part_ = "the sections";
    for (const std::uint64_t offset : {first_options, furthest_})
      if (offset >= size_) return false;
    part_ = name_of_section(kStrings);   // the last one: what the others are called
    return strings || !named;
  }

 private:
  static constexpr std::uint16_t kOptions = 0, kBuffer = 3, kStrings = 15, kFirstOffset = 16, kLastOffset = 22, kPacked = 1;

  static const char* name_of_section(std::uint16_t id) {
    switch (id) {
      case kOptions: return "the options";
      case kBuffer: return "the records";
      case kStrings: return "the strings";
      case 16: return "the header";
      case 17: case 18: return "the events' formats";
      case 19: case 20: return "the symbols";
      case 21: return "the names of tasks";
      default: return "a section";
    }
  }

  // Options name the places of other sections, the last one that of the next options.
  bool section_options(std::uint64_t begin, std::uint64_t length) {
    const std::uint64_t behind = std::exchange(at_, begin);
    for (;;) {
      std::uint16_t id = 0;
      std::uint32_t size = 0;
      std::uint64_t offset = 0;
      if (at_ + 6 > begin + length || !read(&id, 2) || !read(&size, 4) || size > begin + length - at_) return false;
      const bool place = id == kOptions || id == kBuffer || (id >= kFirstOffset && id <= kLastOffset);
      if (place && size >= 8 && ::pread(fd_, &offset, 8, static_cast<off_t>(at_)) == 8) furthest_ = std::max(furthest_, offset);
      at_ += size;
      if (id == kOptions) break;
    }
    at_ = behind;
    return true;
  }

  // Up to the size of a page. `foreign`: of another byte order, the caller's to refuse.
  bool start(bool& foreign) {
    part_ = "the header";
    char magic[16];
    std::string version;
    char endian = 0, wide = 0;
    std::uint32_t page = 0;
    if (!read(magic, 10) || !word(version) || !read(&endian, 1) || !read(&wide, 1) || !read(&page, 4)) return false;
    foreign = endian != 0;
    return true;
  }
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
  std::uint64_t size_, at_ = 0, furthest_ = 0;   // furthest_: the last section that another one names
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
  } else if (version == "7") {
    // What the library needs may be there: then it is judged, and said to be partial.
    Walk walk(fd, static_cast<std::uint64_t>(about.st_size));
    if (!walk.version_7())
      status = Status::at_offset(Status::Outcome::kPartial, file, walk.at(), std::string("the trace.dat is damaged or cut in ") + walk.part());
  } else {
    status = Status::at_offset(Status::Outcome::kFailed, file, 10, "is a trace.dat of version " + version + ", of which only 6 and 7 are known");
  }
  ::close(fd);
  return status;
}

}  // namespace crossdep::traces
