// SPDX-License-Identifier: MIT
//
// See trace_dat_reader.h. One record of each processor and buffer is kept; the oldest goes first.
#include "traces/trace_dat_reader.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>
#define _TRACE_FS_H   // libtracefs' header is no valid C++, and nothing of it is used here
#include <trace-cmd/trace-cmd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <queue>
#include <unordered_map>
#include <vector>

#include "traces/kernel_events.h"
#include "traces/trace_dat_header.h"

namespace crossdep::traces {
namespace {

constexpr std::size_t kMostFrames = 64;

// Bits of common_flags (include/linux/trace_events.h).
char context_of(unsigned flags) {
  const bool hard = (flags & 0x08) != 0, soft = (flags & 0x10) != 0, nmi = (flags & 0x40) != 0;
  if (nmi) return hard ? 'Z' : 'z';
  return hard ? (soft ? 'H' : 'h') : soft ? 's' : '.';
}

// Some versions of the library crash on their way out of a file they refuse: a child tries first.
bool can_be_opened(const std::string& path) {
  const pid_t child = ::fork();
  if (child < 0) return true;
  if (child == 0) {
    for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE}) ::signal(signal, SIG_DFL);
    ::_exit(tracecmd_open(path.c_str(), TRACECMD_FL_LOAD_NO_PLUGINS) != nullptr ? 0 : 1);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class TraceDatReader {
 public:
  TraceDatReader(const std::string& path, const std::string& file, EventConsumer& consumer)
      : path_(path), file_(file), consumer_(consumer), kernel_(consumer) {}
  ~TraceDatReader();

  Status run();

 private:
  /// What is known of one kind of event.
  struct Kind {
    enum class What { kPrinted, kAcquire, kAcquired, kRelease, kStack, kIgnored };
    tep_event* event = nullptr;
    What what = What::kIgnored;
    tep_format_field *address = nullptr, *flags = nullptr, *name = nullptr, *caller = nullptr;
    tep_format_field *probe_ip = nullptr, *probe_function = nullptr, *probe_return = nullptr;
  };
  /// One buffer of one processor, and its next record.
  struct Stream {
    tracecmd_input* handle;
    int cpu;
    tep_record* next;
  };

  void open_streams(tracecmd_input* handle);
  bool advance(Stream& stream);
  Kind& kind_of(int type);
  void give(const Stream& stream, tep_record* record);
  void print(const Kind& kind, tep_record* record);
  std::size_t take_stack(Stream& stream, int pid);
  std::string_view comm_of(int pid);
  std::string place(unsigned long long address);
  static unsigned long long number(const tep_format_field* field, const tep_record* record);
  static std::string_view text(const tep_format_field* field, const tep_record* record);

  const std::string &path_, &file_;
  EventConsumer& consumer_;
  KernelEvents kernel_;
  tracecmd_input* input_ = nullptr;
  std::vector<tracecmd_input*> instances_;
  tep_handle* tep_ = nullptr;
  std::vector<Stream> streams_;
  std::vector<Kind> kinds_;
  std::vector<bool> known_kinds_;
  tep_format_field* common_flags_ = nullptr;
  trace_seq printed_{};
  bool printing_ = false;
  std::string body_;
  std::unordered_map<int, std::string_view> comms_;
  std::unordered_map<unsigned long long, Site> places_;
  std::array<Site, kMostFrames> frames_{};
  std::uint64_t records_ = 0, unknown_ = 0;
};

TraceDatReader::~TraceDatReader() {
  for (Stream& stream : streams_)
    if (stream.next != nullptr) tracecmd_free_record(stream.next);
  if (printing_) trace_seq_destroy(&printed_);
  for (tracecmd_input* instance : instances_) tracecmd_close(instance);
  if (input_ != nullptr) tracecmd_close(input_);
}

unsigned long long TraceDatReader::number(const tep_format_field* field, const tep_record* record) {
  if (field == nullptr || field->offset < 0 || field->offset + field->size > record->size) return 0;
  const char* const at = static_cast<const char*>(record->data) + field->offset;
  std::uint64_t value = 0;
  std::memcpy(&value, at, field->size > 8 ? 8 : static_cast<std::size_t>(field->size));   // a foreign byte order was refused
  return value;
}

// A string of a record: __data_loc (offset and length), __rel_loc (offset from behind the field) or in place.
std::string_view TraceDatReader::text(const tep_format_field* field, const tep_record* record) {
  if (field == nullptr) return {};
  std::size_t offset = static_cast<std::size_t>(field->offset), size = static_cast<std::size_t>(field->size);
  if ((field->flags & TEP_FIELD_IS_DYNAMIC) != 0) {
    const unsigned long long where = number(field, record);
    offset = where & 0xffff;
    size = (where >> 16) & 0xffff;
    if ((field->flags & TEP_FIELD_IS_RELATIVE) != 0) offset += static_cast<std::size_t>(field->offset + field->size);
  }
  if (offset + size > static_cast<std::size_t>(record->size)) return {};
  const char* const at = static_cast<const char*>(record->data) + offset;
  return {at, ::strnlen(at, size)};
}

TraceDatReader::Kind& TraceDatReader::kind_of(int type) {
  const auto number = static_cast<std::size_t>(type < 0 ? 0 : type);
  if (number >= kinds_.size()) {
    kinds_.resize(number + 1);
    known_kinds_.resize(number + 1);
  }
  Kind& kind = kinds_[number];
  if (known_kinds_[number]) return kind;
  known_kinds_[number] = true;
  kind.event = tep_find_event(tep_, type);
  if (kind.event == nullptr) return kind;
  if (common_flags_ == nullptr) common_flags_ = tep_find_common_field(kind.event, "common_flags");
  const std::string_view name = kind.event->name, system = kind.event->system;
  const auto field = [&kind](const char* of) { return tep_find_field(kind.event, of); };
  kind.address = field("lockdep_addr");
  kind.flags = field("flags");
  kind.name = field("name");
  kind.caller = field("caller");
  kind.probe_ip = field("__probe_ip");
  kind.probe_function = field("__probe_func");
  kind.probe_return = field("__probe_ret_ip");
  kind.what = Kind::What::kPrinted;
  if (system == "lock" && kind.address != nullptr && kind.name != nullptr) {
    if (name == "lock_acquire" && kind.flags != nullptr) kind.what = Kind::What::kAcquire;
    else if (name == "lock_acquired") kind.what = Kind::What::kAcquired;
    else if (name == "lock_release") kind.what = Kind::What::kRelease;
    else kind.what = Kind::What::kIgnored;   // lock_contended
  } else if (system == "ftrace") {
    kind.what = name == "kernel_stack" && kind.caller != nullptr ? Kind::What::kStack : Kind::What::kIgnored;
  } else if (system == "syscalls" || system == "raw_syscalls") {
    kind.what = Kind::What::kIgnored;
  }
  return kind;
}

void TraceDatReader::open_streams(tracecmd_input* handle) {
  const int cpus = tep_get_cpus(tep_);
  for (int cpu = 0; cpu < cpus; ++cpu) {
    Stream stream{handle, cpu, nullptr};
    if (advance(stream)) streams_.push_back(stream);
  }
}

bool TraceDatReader::advance(Stream& stream) {
  stream.next = tracecmd_read_data(stream.handle, stream.cpu);
  return stream.next != nullptr;
}

std::string_view TraceDatReader::comm_of(int pid) {
  const auto [at, fresh] = comms_.try_emplace(pid);
  if (fresh) {
    const char* const comm = tep_data_comm_from_pid(tep_, pid);
    if (comm != nullptr && std::strcmp(comm, "<...>") != 0) at->second = comm;   // as long as the handle lives
  }
  return at->second;
}

// `symbol+0x12 [module]` from the symbols in the file, else the address.
std::string TraceDatReader::place(unsigned long long address) {
  char number[40];
  const char* const symbol = tep_find_function(tep_, address);
  if (symbol == nullptr) {
    std::snprintf(number, sizeof number, "0x%llx", address);
    return number;
  }
  std::snprintf(number, sizeof number, "+0x%llx", address - tep_find_function_address(tep_, address));
  std::string out = symbol;
  const std::size_t module = out.find(" [");   // some versions keep the module with the name
  return module == std::string::npos ? out + number : out.substr(0, module) + number + out.substr(module);
}

// The record's call chain, if the next one of its processor is that.
std::size_t TraceDatReader::take_stack(Stream& stream, int pid) {
  if (stream.next == nullptr) return 0;
  const Kind& kind = kind_of(tep_data_type(tep_, stream.next));
  if (kind.what != Kind::What::kStack || tep_data_pid(tep_, stream.next) != pid || stream.next->missed_events != 0) return 0;
  const tep_record* const record = stream.next;
  // caller is an array at the record's end (its size in the format is only the least), or, since 6.5, dynamic.
  std::size_t offset = static_cast<std::size_t>(kind.caller->offset), end = static_cast<std::size_t>(record->size);
  if ((kind.caller->flags & TEP_FIELD_IS_DYNAMIC) != 0) {
    const unsigned long long where = number(kind.caller, record);
    offset = where & 0xffff;
    end = std::min<std::size_t>(end, offset + ((where >> 16) & 0xffff));
  }
  std::size_t count = 0;
  for (; offset + 8 <= end && count < kMostFrames; offset += 8) {
    std::uint64_t address = 0;
    std::memcpy(&address, static_cast<const char*>(record->data) + offset, 8);
    if (address == 0 || address == ~std::uint64_t{0}) break;
    const auto [at, fresh] = places_.try_emplace(address);
    if (fresh) at->second = kernel_.site(place(address));
    frames_[count++] = at->second;
  }
  tracecmd_free_record(stream.next);
  advance(stream);
  ++records_;
  return count;
}

void TraceDatReader::print(const Kind& kind, tep_record* record) {
  if (!printing_) trace_seq_init(&printed_);
  printing_ = true;
  trace_seq_reset(&printed_);
  tep_print_event(tep_, &printed_, record, "%s", TEP_PRINT_INFO);
  trace_seq_terminate(&printed_);
  body_.assign(printed_.buffer, printed_.len);
  while (!body_.empty() && (body_.back() == '\n' || body_.back() == ' ')) body_.pop_back();
  // A probe's addresses, with names.
  const std::size_t close = body_.starts_with("(") ? body_.find(')') : std::string::npos;
  if (close == std::string::npos) return;
  if (kind.probe_function != nullptr && kind.probe_return != nullptr)
    body_.replace(0, close + 1, "(" + place(number(kind.probe_return, record)) + " <- " + place(number(kind.probe_function, record)) + ")");
  else if (kind.probe_ip != nullptr)
    body_.replace(0, close + 1, "(" + place(number(kind.probe_ip, record)) + ")");
}

void TraceDatReader::give(const Stream& stream, tep_record* record) {
  ++records_;
  if (record->missed_events != 0)
    kernel_.lose(static_cast<std::uint32_t>(stream.cpu), record->missed_events > 0 ? static_cast<std::uint64_t>(record->missed_events) : 1, records_);
  const int type = tep_data_type(tep_, record);
  const Kind kind = kind_of(type);
  const int pid = tep_data_pid(tep_, record);
  if (kind.event == nullptr || pid < 0) {
    ++unknown_;
    return;
  }
  if (kind.what == Kind::What::kIgnored || kind.what == Kind::What::kStack) return;
  KernelRecord out;
  out.pid = static_cast<std::uint32_t>(pid);
  out.cpu = static_cast<std::uint32_t>(stream.cpu);
  out.comm = comm_of(pid);
  out.context = context_of(static_cast<unsigned>(number(common_flags_, record)));
  out.position = records_;
  out.time = record->ts;
  out.event = kind.event->name;
  out.frame_count = take_stack(const_cast<Stream&>(stream), pid);
  out.frames = frames_.data();
  if (kind.what == Kind::What::kPrinted || !kernel_.stock_is_source()) {
    print(kind, record);
    out.body = body_;
    kernel_.record(out);
    return;
  }
  kernel_.count_one();
  const std::uint64_t address = number(kind.address, record);
  if (kind.what == Kind::What::kAcquired) return kernel_.stock_acquired(out, address);
  if (kind.what == Kind::What::kRelease) return kernel_.stock_release(out, address);
  StockAcquire stock;
  stock.map = address;
  const unsigned long long flags = number(kind.flags, record);
  stock.try_lock = (flags & 1) != 0;
  stock.read = (flags & 2) != 0;
  stock.name = text(kind.name, record);
  if (stock.name.empty()) stock.name = "?";
  kernel_.stock_acquire(out, stock);
}

Status TraceDatReader::run() {
  Status header = check_trace_dat_header(path_, file_);
  if (header.failed()) return header;
  tep_set_loglevel(TEP_LOG_NONE);
  tracecmd_set_loglevel(TEP_LOG_NONE);
  if (can_be_opened(path_)) input_ = tracecmd_open(path_.c_str(), TRACECMD_FL_LOAD_NO_PLUGINS);
  if (input_ == nullptr) {
    header.outcome = Status::Outcome::kFailed;
    return header.cause.empty() ? Status::fail(file_, "is a trace.dat, but damaged or cut: libtracecmd cannot open it") : header;
  }
  tep_ = tracecmd_get_tep(input_);
  if (tep_is_file_bigendian(tep_) != tep_is_local_bigendian(tep_))
    return Status::fail(file_, "is a trace.dat of a machine with another byte order; convert it with `trace-cmd report -i FILE > TEXT`");
  open_streams(input_);
  for (int i = 0; i < tracecmd_buffer_instances(input_); ++i) {
    tracecmd_input* const instance = tracecmd_buffer_instance_handle(input_, i);
    if (instance == nullptr) continue;
    instances_.push_back(instance);
    if (instance != input_) open_streams(instance);
  }

  // By time, then by processor, so that the order does not depend on anything else.
  const auto later = [this](std::size_t a, std::size_t b) {
    const auto &x = *streams_[a].next, &y = *streams_[b].next;
    return x.ts != y.ts ? x.ts > y.ts : a > b;
  };
  std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(later)> order(later);
  for (std::size_t i = 0; i < streams_.size(); ++i) order.push(i);
  while (!order.empty()) {
    const std::size_t first = order.top();
    order.pop();
    Stream& stream = streams_[first];
    tep_record* const record = stream.next;
    advance(stream);
    give(stream, record);
    tracecmd_free_record(record);
    if (stream.next != nullptr) order.push(first);
  }
  kernel_.finish("record");
  if (unknown_ != 0) consumer_.on_note(std::to_string(unknown_) + " records are of events the file does not describe, and were passed over");
  return header;
}

}  // namespace

Status read_trace_dat(const std::string& path, const std::string& file, EventConsumer& consumer) {
  return TraceDatReader(path, file, consumer).run();
}

}  // namespace crossdep::traces
