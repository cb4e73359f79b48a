// SPDX-License-Identifier: MIT
//
// See lttng_reader.h.
#include "traces/lttng_reader.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "traces/ftrace_line.h"
#include "traces/name_table.h"

extern char** environ;

namespace crossdep::traces {
namespace {

constexpr std::string_view kProvider = "lttng_ust_pthread:pthread_mutex_";
constexpr std::uint64_t kOwnerDead = 130;   // EOWNERDEAD: got it, its last owner died

// The value of `NAME = VALUE` in the line's fields; empty if there is none. Strings lose their quotation marks.
std::string_view field(std::string_view line, std::string_view name) {
  for (std::size_t at = line.find(name); at != std::string_view::npos; at = line.find(name, at + 1)) {
    if (at == 0 || line[at - 1] != ' ' || !line.substr(at + name.size()).starts_with(" = ")) continue;
    std::string_view value = line.substr(at + name.size() + 3);
    if (value.starts_with("\"")) {
      value.remove_prefix(1);
      return value.substr(0, value.find('"'));
    }
    return value.substr(0, value.find_first_of(", }"));
  }
  return {};
}

bool number_field(std::string_view line, std::string_view name, std::uint64_t& out) {
  std::string_view value = field(line, name);
  return value.starts_with("0x") ? take_hex(value, out) : take_decimal(value, out);
}

class LttngReader {
 public:
  /// `piped`: of babeltrace2 itself, whose complaints come on the same pipe.
  LttngReader(LineSource& source, const std::string& file, EventConsumer& consumer, bool piped)
      : source_(source), file_(file), consumer_(consumer), piped_(piped) {}

  Status run();
  std::uint64_t events() const { return events_; }

 private:
  struct Thread {
    ContextId id = kNone;
    InstanceId requested = kNone;
    std::string name;
  };
  struct Mutex {
    InstanceId id = kNone;
    ContextId owner = kNone;
    unsigned depth = 0;                // of a recursive mutex
  };

  bool line(std::string_view text);
  void event(std::string_view what, std::string_view fields);
  Thread& thread(std::uint64_t pid, std::uint64_t tid, std::string_view name);
  Mutex& mutex(std::uint64_t pid, std::uint64_t address, const Thread& thread);
  Site site(std::string_view fields);
  void lose(std::uint64_t count);
  Event make(EventKind kind, ContextId context, const Mutex& mutex, Site site) const;

  LineSource& source_;
  const std::string& file_;
  EventConsumer& consumer_;
  std::map<std::uint64_t, Thread> threads_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, Mutex> mutexes_;
  std::map<std::pair<ContextId, InstanceId>, unsigned> early_;   // unlocks still to come, of what another one has got already
  NameTable sites_;
  std::uint64_t events_ = 0, unreadable_ = 0, first_unreadable_ = 0, threadless_ = 0, lost_ = 0;
  bool any_ = false;                     // line of the format
  bool piped_;
};

Status LttngReader::run() {
  std::string_view text;
  bool cut = false;
  while (source_.next(text)) {
    if (source_.unterminated() && !text.empty()) {
      cut = true;
      break;
    }
    if (!source_.cut() && (text.empty() || line(text))) {
      any_ = any_ || (!text.empty() && text.front() != '#');
      continue;
    }
    if (unreadable_++ == 0) first_unreadable_ = source_.line_number();
  }
  if (unreadable_ != 0 && any_)
    consumer_.on_note(std::to_string(unreadable_) + " lines could not be read and were passed over, the first is line " + std::to_string(first_unreadable_));
  if (threadless_ != 0)
    consumer_.on_note(std::to_string(threadless_) + " events do not say which thread they are of and were passed over: record with "
                      "`lttng add-context -u -t vpid -t vtid -t procname`");
  if (lost_ != 0) consumer_.on_note(std::to_string(lost_) + " events are missing from the recording");
  const auto outcome = events_ != 0 ? Status::Outcome::kPartial : Status::Outcome::kFailed;
  if (!any_ && unreadable_ != 0 && source_.error() == 0)
    return Status::at_line(outcome, file_, first_unreadable_, "not LTTng's events as babeltrace2 prints them: neither this nor any other line is one");
  if (source_.error() != 0)
    return Status::at_line(outcome, file_, source_.line_number(), std::string("cannot be read on: ") + std::strerror(source_.error()));
  if (cut) return Status::at_line(outcome, file_, source_.line_number(), "the last line is not ended: the file may have been cut");
  return {};
}

bool LttngReader::line(std::string_view text) {
  if (const std::size_t discarded = text.find("discarded "); discarded != std::string_view::npos) {
    std::string_view rest = text.substr(discarded + 10);   // `Tracer discarded 12 events between [...]`
    std::uint64_t count = 0;
    if (take_decimal(rest, count)) lose(count);
    return true;
  }
  const std::size_t at = text.find(kProvider);
  if (at == std::string_view::npos) {
    if (looks_like_lttng_text(text)) return true;   // another event
    return piped_ || text.starts_with("#");
  }
  std::string_view what = text.substr(at + kProvider.size());
  const std::size_t colon = what.find(": {");
  if (colon == std::string_view::npos) return false;
  const std::string_view fields = what.substr(colon + 1);
  what = what.substr(0, colon);
  if (what != "lock_req" && what != "lock_acq" && what != "trylock" && what != "unlock") return true;
  event(what, fields);
  return true;
}

LttngReader::Thread& LttngReader::thread(std::uint64_t pid, std::uint64_t tid, std::string_view name) {
  Thread& thread = threads_[tid];
  if (thread.id == kNone) {
    thread.id = static_cast<ContextId>(threads_.size() - 1);
    thread.name = name.empty() ? std::to_string(pid) : std::string(name);
    ContextDefinition definition;
    definition.id = thread.id;
    definition.tid = tid;
    definition.name = thread.name;
    definition.middle = true;   // a session can begin at any time
    definition.position = source_.line_number();
    consumer_.on_context(definition);
  } else if (!name.empty() && name != thread.name) {
    thread.name = name;
    consumer_.on_context_name(thread.id, name);
  }
  return thread;
}

LttngReader::Mutex& LttngReader::mutex(std::uint64_t pid, std::uint64_t address, const Thread& thread) {
  Mutex& mutex = mutexes_[{pid, address}];
  if (mutex.id != kNone) return mutex;
  mutex.id = static_cast<InstanceId>(mutexes_.size() - 1);
  char name[40];
  const int length = std::snprintf(name, sizeof name, "mutex 0x%llx", static_cast<unsigned long long>(address));
  ClassDefinition its_class;
  its_class.id = mutex.id;
  its_class.key_kind = engine::ClassKey::kInstance;
  its_class.kind = engine::Kind::kMutex;
  its_class.key = address;
  its_class.ordinal = static_cast<std::uint32_t>(pid);
  its_class.name = std::string_view(name, static_cast<std::size_t>(length));
  consumer_.on_class(its_class);
  LockDefinition lock;
  lock.id = mutex.id;
  lock.class_id = mutex.id;
  lock.kind = engine::Kind::kMutex;
  lock.address = address;
  lock.context = thread.id;
  lock.position = source_.line_number();
  consumer_.on_lock(lock);
  return mutex;
}

// The caller, where it was recorded: source and line, function, or address.
Site LttngReader::site(std::string_view fields) {
  std::string_view place = field(fields, "src");
  if (place.empty()) place = field(fields, "func");
  if (place.empty()) place = field(fields, "ip");
  if (place.empty()) return 0;
  bool fresh = false;
  const Site number = Site{sites_.add(place, fresh)} + 1;
  if (fresh) consumer_.on_site(number, place);
  return number;
}

Event LttngReader::make(EventKind kind, ContextId context, const Mutex& mutex, Site site) const {
  Event out;
  out.kind = kind;
  out.context = context;
  out.lock = mutex.id;
  out.site = site;
  out.position = source_.line_number();
  return out;
}

void LttngReader::lose(std::uint64_t count) {
  lost_ += count;
  for (auto& [tid, thread] : threads_) {
    Event out;
    out.kind = EventKind::kLost;
    out.context = thread.id;
    out.number = count;
    out.position = source_.line_number();
    consumer_.on_event(out);
    count = 0;   // counted once
  }
  for (auto& [address, mutex] : mutexes_) mutex.owner = kNone;
  early_.clear();
}

void LttngReader::event(std::string_view what, std::string_view fields) {
  ++events_;
  std::uint64_t pid = 0, tid = 0, address = 0, status = 0;
  if (!number_field(fields, "vtid", tid)) {
    ++threadless_;
    return;
  }
  number_field(fields, "vpid", pid);
  number_field(fields, "status", status);
  if (!number_field(fields, "mutex", address)) {
    if (unreadable_++ == 0) first_unreadable_ = source_.line_number();
    return;
  }
  Thread& who = thread(pid, tid, field(fields, "procname"));
  Mutex& lock = mutex(pid, address, who);
  const Site place = site(fields);
  const bool again = lock.owner == who.id;   // a recursive mutex: its kind is not recorded
  if (what == "unlock") {
    if (status != 0) return;
    if (const auto early = early_.find({who.id, lock.id}); early != early_.end()) {
      if (--early->second == 0) early_.erase(early);
      return;
    }
    if (!again) return;   // got before the recording began
    if (--lock.depth > 0) return;
    lock.owner = kNone;
    consumer_.on_event(make(EventKind::kRelease, who.id, lock, place));
    return;
  }
  if (what == "lock_req") {
    who.requested = again ? kNone : lock.id;
    if (!again) consumer_.on_event(make(EventKind::kRequest, who.id, lock, place));
    return;
  }
  const bool try_lock = what == "trylock";
  if (again) {
    if (status == 0) ++lock.depth;
    return;
  }
  if (status != 0 && status != kOwnerDead) {
    if (!try_lock && who.requested == lock.id) consumer_.on_event(make(EventKind::kFailed, who.id, lock, place));
    who.requested = kNone;
    return;
  }
  if (lock.owner != kNone) {   // given back, though the record of it comes later
    early_[{lock.owner, lock.id}] += lock.depth;
    consumer_.on_event(make(EventKind::kRelease, lock.owner, lock, 0));
  }
  Event got = make(EventKind::kRequest, who.id, lock, place);
  if (try_lock) got.flags = engine::kTry;
  if (try_lock || who.requested != lock.id) consumer_.on_event(got);   // or it was requested before the recording began
  who.requested = kNone;
  got.kind = EventKind::kAcquired;
  consumer_.on_event(got);
  lock.owner = who.id;
  lock.depth = 1;
}

}  // namespace

Status read_lttng_text(LineSource& source, const std::string& file, EventConsumer& consumer) {
  return LttngReader(source, file, consumer, false).run();
}

bool looks_like_lttng_text(std::string_view line) {
  if (!line.starts_with("[") || line.find("] (+") == std::string_view::npos) return false;
  return line.find(": { ") != std::string_view::npos && line.find(" = ") != std::string_view::npos;
}

bool is_ctf_folder(const std::string& path) {
  std::error_code wrong;
  int seen = 0;
  for (std::filesystem::recursive_directory_iterator at(path, wrong), end; !wrong && at != end && seen < 10000; at.increment(wrong), ++seen) {
    if (at.depth() > 6) at.disable_recursion_pending();
    if (at->path().filename() == "metadata" && at->is_regular_file(wrong)) return true;
  }
  return false;
}

Status read_ctf_folder(const std::string& path, const std::string& file, EventConsumer& consumer) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Status::fail(file, std::string("cannot be read: ") + std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);   // it tells of discarded events there
  std::string words[] = {"babeltrace2", "--color=never", path};
  char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t child = -1;
  const int error = ::posix_spawnp(&child, "babeltrace2", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    return Status::fail(file, std::string("is a CTF trace, and the program babeltrace2 that reads it cannot be run: ") + std::strerror(error));
  }
  LineSource source(ends[0]);
  LttngReader reader(source, file, consumer, true);
  Status status = reader.run();
  ::close(ends[0]);
  int ended = 0;
  while (::waitpid(child, &ended, 0) < 0 && errno == EINTR) {}
  if (status.ok() && (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0)) {
    status = Status::fail(file, "babeltrace2 cannot read it to its end; what it says: babeltrace2 -o dummy " + path);
    if (reader.events() != 0) status.outcome = Status::Outcome::kPartial;
  }
  return status;
}

}  // namespace crossdep::traces
