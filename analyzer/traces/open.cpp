// SPDX-License-Identifier: MIT
//
// See open.h. Binary magic first; then text, whose first lines are shown to each text reader.
#include "traces/open.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "traces/ftrace_reader.h"
#include "traces/lttng_reader.h"
#include "traces/perf_reader.h"
#include "traces/proc_lockdep.h"
#include "traces/rapid_reader.h"
#include "traces/text_reader.h"
#include "traces/tool_log.h"
#include "traces/trace_dat_reader.h"

namespace crossdep::traces {
namespace {

constexpr std::size_t kPrefix = 64 * 1024;
constexpr int kLinesShown = 400;

struct FormatName {
  Format format;
  std::string_view name;
};
constexpr FormatName kFormats[] = {
    {Format::kNative, "native"}, {Format::kText, "text"}, {Format::kFtrace, "ftrace"}, {Format::kPerf, "perf"},
    {Format::kTraceDat, "trace.dat"}, {Format::kLttng, "lttng"},
    {Format::kRapid, "rapid-std"}, {Format::kRapidBinary, "rapid-bin"}, {Format::kLog, "log"}, {Format::kLockdep, "lockdep"},
    {Format::kGraph, "graph"}};
constexpr FormatName kOtherNames[] = {
    {Format::kText, "cdt"}, {Format::kPerf, "perf-script"}, {Format::kTraceDat, "trace-cmd"}, {Format::kLttng, "ctf"}, {Format::kRapid, "rapid"}, {Format::kRapidBinary, "rapidbin"}};

// Reads until `size` bytes are there or the input ends. False on an error (errno).
bool read_some(int fd, std::string& out, std::size_t size) {
  while (out.size() < size) {
    const std::size_t before = out.size();
    out.resize(size);
    const ssize_t got = ::read(fd, out.data() + before, size - before);
    out.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got == 0) return true;
    if (got < 0 && errno != EINTR) return false;
  }
  return true;
}

// Text holds no NUL and hardly any control characters.
bool is_text(std::string_view bytes) {
  std::size_t strange = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0) return false;
    if (byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t' && byte != 0x1b) ++strange;
  }
  return strange * 50 <= bytes.size();
}

}  // namespace

std::string_view format_name(Format format) {
  for (const FormatName& known : kFormats)
    if (known.format == format) return known.name;
  return "unknown";
}

Format format_by_name(std::string_view name) {
  for (const FormatName& known : kFormats)
    if (known.name == name) return known.format;
  for (const FormatName& known : kOtherNames)
    if (known.name == name) return known.format;
  return Format::kUnknown;
}

std::string format_names() {
  std::string out;
  for (const FormatName& known : kFormats) out.append(out.empty() ? "" : ", ").append(known.name);
  return out;
}

Format recognise(std::string_view bytes, std::string& cause) {
  if (Container::sniff(bytes)) return Format::kNative;
  if (const char* program = Unpacker::program_for(bytes)) {
    cause = std::string("compressed with ") + program + " more than once";
    return Format::kUnknown;
  }
  if (looks_like_trace_dat(bytes)) return Format::kTraceDat;
  if (looks_like_rapid_binary(bytes)) return Format::kRapidBinary;
  if (!is_text(bytes)) {
    cause = "not a trace: binary data of no known format";
    return Format::kUnknown;
  }
  std::size_t first = 0;
  while (first < bytes.size() && std::strchr(" \t\r\n", bytes[first]) != nullptr) ++first;
  if (first == bytes.size()) {
    cause = "not a trace: nothing but blanks";
    return Format::kUnknown;
  }
  if (bytes[first] == '{') return Format::kGraph;

  bool only_comments = true;
  std::string_view rest = bytes;
  for (int shown = 0; shown < kLinesShown && !rest.empty(); ++shown) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (looks_like_ftrace(line)) return Format::kFtrace;
    if (looks_like_proc_lockdep(line)) return Format::kLockdep;
    if (looks_like_lttng_text(line)) return Format::kLttng;
    if (looks_like_perf_script(line)) return Format::kPerf;
    if (looks_like_tool_log(line)) return Format::kLog;
    if (looks_like_rapid_text(line)) return Format::kRapid;
    if (looks_like_text(line)) return Format::kText;
    if (!line.empty() && line.front() != '#') only_comments = false;
  }
  cause = only_comments ? "not a trace: nothing but comments" : "not a trace: no line is an event of a known format";
  return Format::kUnknown;
}

bool TraceFile::is_binary() const { return !is_text(prefix_); }

TraceFile::~TraceFile() {
  if (owned_ && fd_ >= 0) ::close(fd_);
}

Status TraceFile::open(const std::string& path, Format forced) {
  path_ = path;
  is_input_ = path == "-";
  name_ = is_input_ ? "standard input" : path;
  if (is_input_) {
    fd_ = STDIN_FILENO;
  } else {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) return Status::fail(name_, std::string("cannot be opened: ") + std::strerror(errno));
    owned_ = true;
  }
  struct stat about {};
  if (::fstat(fd_, &about) != 0) return Status::fail(name_, std::string("cannot be read: ") + std::strerror(errno));
  if (S_ISDIR(about.st_mode) && is_ctf_folder(path)) {
    format_ = Format::kLttng;
    is_folder_ = true;
    return {};
  }
  if (S_ISDIR(about.st_mode)) return Status::fail(name_, "is a directory, not a trace");
  if (!read_some(fd_, prefix_, kPrefix)) return Status::fail(name_, std::string("cannot be read: ") + std::strerror(errno));
  if (prefix_.empty()) return Status::fail(name_, "is empty");
  const char* const unpacker = Unpacker::program_for(prefix_);
  if (unpacker != nullptr)
    if (const Status status = unpack(unpacker); !status.ok()) return status;
  std::string cause;
  format_ = forced != Format::kUnknown ? forced : recognise(prefix_, cause);
  if (format_ == Format::kUnknown) return Status::at_offset(Status::Outcome::kFailed, name_, 0, cause);
  // What is not read front to back must be a file.
  if ((format_ != Format::kNative && format_ != Format::kTraceDat) || (!is_input_ && unpacker == nullptr)) return {};
  const Status status = copy_input();
  if (status.failed() || unpacker == nullptr) return status;
  return unpacker_.finish().ok() ? Status{} : Status::fail(name_, std::string("the compressed data is damaged or cut, says ") + unpacker);
}

// From here on fd_ gives the unpacked bytes.
Status TraceFile::unpack(const char* program) {
  if (is_input_)   // a pipe cannot be begun again
    if (const Status status = copy_input(); status.failed()) return status;
  if (const Status status = unpacker_.start(program, fd_, name_); !status.ok()) return status;
  if (owned_) ::close(fd_);
  owned_ = false;
  fd_ = unpacker_.fd();
  prefix_.clear();
  if (!read_some(fd_, prefix_, kPrefix)) return Status::fail(name_, std::string("cannot be read: ") + std::strerror(errno));
  if (!prefix_.empty()) return {};
  const Status damaged = unpacker_.finish();
  return Status::fail(name_, damaged.ok() ? "is empty" : damaged.cause);
}

// The rest of the input becomes a file in memory that can be read in any order.
Status TraceFile::copy_input() {
  const int copy = ::memfd_create("crossdep-input", MFD_CLOEXEC);
  if (copy < 0) return Status::fail(name_, std::string("cannot be copied: ") + std::strerror(errno));
  std::string block = std::move(prefix_);
  prefix_.clear();
  while (!block.empty()) {
    for (std::size_t done = 0; done < block.size();) {
      const ssize_t put = ::write(copy, block.data() + done, block.size() - done);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) {
        const int error = errno;
        ::close(copy);
        return Status::fail(name_, std::string("cannot be copied: ") + std::strerror(error));
      }
      done += static_cast<std::size_t>(put);
    }
    block.clear();
    if (!read_some(fd_, block, std::size_t{1} << 20)) {
      const int error = errno;
      ::close(copy);
      return Status::fail(name_, std::string("cannot be read: ") + std::strerror(error));
    }
  }
  if (owned_) ::close(fd_);
  fd_ = copy;
  owned_ = true;
  path_ = "/proc/self/fd/" + std::to_string(copy);
  return {};
}

Status TraceFile::read_all(std::string& content) {
  content = prefix_;
  std::size_t size = content.size();
  do {
    size = content.size();
    if (!read_some(fd_, content, size + (std::size_t{1} << 20)))
      return Status::fail(name_, std::string("cannot be read: ") + std::strerror(errno));
  } while (content.size() != size);
  return unpacker_.finish();
}

Status TraceFile::read_events(EventConsumer& consumer, TraceFacts* facts) {
  const Status status = read_format(consumer, facts);
  const Status unpacked = unpacker_.finish();
  return unpacked.ok() || status.failed() ? status : unpacked;   // damage there explains a line that is cut
}

Status TraceFile::read_findings(PrintedConsumer& consumer) {
  LineSource source(fd_, prefix_);
  const Status status = read_tool_log(source, name_, consumer);
  const Status unpacked = unpacker_.finish();
  return unpacked.ok() ? status : unpacked;
}

Status TraceFile::read_lockdep(engine::Sink& sink, ProcLockdepFacts& facts) {
  LineSource source(fd_, prefix_);
  const Status status = read_proc_lockdep(source, name_, sink, facts);
  const Status unpacked = unpacker_.finish();
  return unpacked.ok() ? status : unpacked;
}

Status TraceFile::read_format(EventConsumer& consumer, TraceFacts* facts) {
  switch (format_) {
    case Format::kText: {
      LineSource source(fd_, prefix_, stop_);
      return read_text(source, name_, consumer);
    }
    case Format::kFtrace: {
      LineSource source(fd_, prefix_, stop_);
      return read_ftrace(source, name_, consumer);
    }
    case Format::kPerf: {
      LineSource source(fd_, prefix_, stop_);
      return read_perf_script(source, name_, consumer);
    }
    case Format::kTraceDat:
      return read_trace_dat(path_, name_, consumer);
    case Format::kLttng: {
      if (is_folder_) return read_ctf_folder(path_, name_, consumer);
      LineSource source(fd_, prefix_, stop_);
      return read_lttng_text(source, name_, consumer);
    }
    case Format::kRapid: {
      LineSource source(fd_, prefix_, stop_);
      return read_rapid_text(source, name_, consumer);
    }
    case Format::kRapidBinary:
      return read_rapid_binary(fd_, prefix_, name_, consumer, stop_);
    case Format::kNative: {
      TraceFacts local;
      Status status = read_native_trace(path_, consumer, facts != nullptr ? *facts : local);
      if (!status.ok()) status.file = name_;
      return status;
    }
    case Format::kLockdep:
      return Status::fail(name_, "is a lockdep graph, not a trace");
    case Format::kLog:
      return Status::fail(name_, "is a log of findings, not a trace");
    case Format::kGraph:
      return Status::fail(name_, "is a graph, not a trace");
    case Format::kUnknown:
      break;
  }
  return Status::fail(name_, "is not open");
}

}  // namespace crossdep::traces
