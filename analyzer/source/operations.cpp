// SPDX-License-Identifier: MIT
//
// See operations.h.
//
// Threading: constant data, made at the first call.  Allocation: the heap, once.
#include "source/operations.h"

#include <algorithm>
#include <cctype>
#include <unordered_map>

namespace crossdep::source {
namespace {

using engine::Kind;
using engine::Mode;
using What = Operation::What;
using Table = std::unordered_map<std::string_view, Operation>;

constexpr Operation got(Kind kind, Mode mode = Mode::kWrite, int object = 0) {
  return {What::kAcquire, kind, mode, 0, object, -1, -1};
}
constexpr Operation tried(Kind kind, Mode mode, bool zero_is_got, bool timed = false, int object = 0) {
  const unsigned flags = unsigned{kFlagTry} | (zero_is_got ? unsigned{kFlagZeroIsGot} : 0u) | (timed ? unsigned{kFlagTimed} : 0u);
  return {What::kAcquire, kind, mode, static_cast<std::uint16_t>(flags), object, -1, -1};
}
constexpr Operation given(int object = 0) { return {What::kRelease, Kind::kMutex, Mode::kWrite, 0, object, -1, -1}; }
constexpr Operation waits(Kind kind, int object = 0, int mutex = -1, bool timed = false) {
  return {What::kWait, kind, Mode::kWrite, static_cast<std::uint16_t>(timed ? kFlagTimed : 0), object, mutex, -1};
}
constexpr Operation tells(Kind kind, int object = 0) { return {What::kSignal, kind, Mode::kWrite, 0, object, -1, -1}; }
constexpr Operation does(What what, int object = 0, int other = -1, int more = -1, Kind kind = Kind::kMutex) {
  return {what, kind, Mode::kWrite, 0, object, other, more};
}

void add_pthread(Table& t) {
  constexpr Mode w = Mode::kWrite, r = Mode::kRead;
  t["pthread_mutex_lock"] = got(Kind::kMutex);
  t["pthread_mutex_trylock"] = tried(Kind::kMutex, w, true);
  t["pthread_mutex_timedlock"] = t["pthread_mutex_clocklock"] = tried(Kind::kMutex, w, true, true);
  t["pthread_rwlock_wrlock"] = got(Kind::kRwlock);
  t["pthread_rwlock_rdlock"] = got(Kind::kRwlock, r);
  t["pthread_rwlock_trywrlock"] = tried(Kind::kRwlock, w, true);
  t["pthread_rwlock_tryrdlock"] = tried(Kind::kRwlock, r, true);
  t["pthread_rwlock_timedwrlock"] = tried(Kind::kRwlock, w, true, true);
  t["pthread_rwlock_timedrdlock"] = tried(Kind::kRwlock, r, true, true);
  t["pthread_spin_lock"] = got(Kind::kSpin);
  t["pthread_spin_trylock"] = tried(Kind::kSpin, w, true);
  for (const char* name : {"pthread_mutex_unlock", "pthread_rwlock_unlock", "pthread_spin_unlock", "mtx_unlock"}) t[name] = given();
  t["mtx_lock"] = got(Kind::kMutex);
  t["mtx_trylock"] = tried(Kind::kMutex, w, true);
  t["mtx_timedlock"] = tried(Kind::kMutex, w, true, true);
  t["pthread_cond_wait"] = t["cnd_wait"] = waits(Kind::kCond, 0, 1);
  t["pthread_cond_timedwait"] = t["pthread_cond_clockwait"] = t["cnd_timedwait"] = waits(Kind::kCond, 0, 1, true);
  for (const char* name : {"pthread_cond_signal", "pthread_cond_broadcast", "cnd_signal", "cnd_broadcast"}) t[name] = tells(Kind::kCond);
  t["sem_wait"] = waits(Kind::kSemaphore);
  t["sem_timedwait"] = t["sem_clockwait"] = waits(Kind::kSemaphore, 0, -1, true);
  t["sem_post"] = tells(Kind::kSemaphore);
  t["pthread_create"] = does(What::kCreate, 0, 2, 3);
  t["thrd_create"] = does(What::kCreate, 0, 1, 2);
  t["pthread_join"] = t["thrd_join"] = does(What::kJoin, 0);
  t["pthread_once"] = t["call_once"] = does(What::kOnce, 0, 1, -1, Kind::kOnce);
  for (const char* name : {"atexit", "at_quick_exit", "pthread_atfork", "on_exit"}) t[name] = does(What::kContext, -1, 0);
  t["signal"] = does(What::kContext, -1, 1);
  for (const char* name : {"exit", "_exit", "_Exit", "quick_exit", "abort", "pthread_exit", "thrd_exit", "longjmp", "siglongjmp", "__assert_fail",
                           "__builtin_unreachable", "__builtin_trap", "err", "errx", "__longjmp_chk", "std::terminate", "std::abort", "std::exit",
                           "std::quick_exit", "panic", "BUG", "g_assertion_message_expr", "g_error", "qFatal", "__assert_rtn", "__ubsan_handle_builtin_unreachable"})
    t[name] = does(What::kNoReturn);
  t["qsort"] = does(What::kCallBack, -1, 3);
  t["bsearch"] = does(What::kCallBack, -1, 4);
  t["pthread_mutex_init"] = t["pthread_mutex_destroy"] = t["pthread_rwlock_init"] = t["pthread_rwlock_destroy"] = does(What::kIgnore);
  for (const char* name : {"__builtin_expect", "__builtin_expect_with_probability", "atomic_load", "atomic_load_explicit", "__atomic_load_n", "__c11_atomic_load"})
    t[name] = does(What::kValue);
  for (const char* name : {"atomic_store", "atomic_store_explicit", "atomic_init", "__atomic_store_n", "__c11_atomic_store", "__c11_atomic_init"})
    t[name] = does(What::kStore, 0, 1);
}

void add_std(Table& t) {
  constexpr Mode w = Mode::kWrite, r = Mode::kRead;
  for (const std::string space : {"std", "boost"}) {
    static std::string kept[2][64];
    std::string* next = kept[space == "boost"];
    const auto key = [&](const std::string& text) -> Operation& { return t[*next++ = space + "::" + text]; };
    for (const char* type : {"mutex", "timed_mutex", "recursive_mutex", "recursive_timed_mutex", "shared_mutex", "shared_timed_mutex"}) {
      const std::string base = std::string(type) + "::";
      const Kind kind = base.rfind("shared", 0) == 0 ? Kind::kRwlock : Kind::kMutex;
      key(base + "lock") = got(kind, w, kThis);
      key(base + "unlock") = given(kThis);
      key(base + "try_lock") = tried(kind, w, false, false, kThis);
      if (base.find("timed") != std::string::npos) {
        key(base + "try_lock_for") = tried(kind, w, false, true, kThis);
        key(base + "try_lock_until") = tried(kind, w, false, true, kThis);
      }
      if (kind == Kind::kRwlock) {
        key(base + "lock_shared") = got(kind, r, kThis);
        key(base + "unlock_shared") = given(kThis);
        key(base + "try_lock_shared") = tried(kind, r, false, false, kThis);
      }
    }
    for (const char* type : {"condition_variable", "condition_variable_any"}) {
      const std::string base = std::string(type) + "::";
      key(base + "wait") = waits(Kind::kCond, kThis, 0);
      key(base + "wait_for") = waits(Kind::kCond, kThis, 0, true);
      key(base + "wait_until") = waits(Kind::kCond, kThis, 0, true);
      key(base + "notify_one") = tells(Kind::kCond, kThis);
      key(base + "notify_all") = tells(Kind::kCond, kThis);
    }
    key("thread::join") = does(What::kJoin, kThis);
  }
  t["std::jthread::join"] = does(What::kJoin, kThis);
  t["std::call_once"] = does(What::kOnce, 0, 1, -1, Kind::kOnce);
  for (const char* name : {"std::counting_semaphore::acquire", "std::binary_semaphore::acquire"}) t[name] = waits(Kind::kSemaphore, kThis);
  for (const char* name : {"std::counting_semaphore::release", "std::binary_semaphore::release"}) t[name] = tells(Kind::kSemaphore, kThis);
  t["std::latch::wait"] = waits(Kind::kLatch, kThis);
  t["std::latch::count_down"] = tells(Kind::kLatch, kThis);
  for (const char* name : {"std::for_each", "std::sort", "std::find_if", "std::any_of", "std::all_of", "std::none_of", "std::transform",
                           "std::count_if", "std::remove_if", "std::invoke", "std::accumulate", "std::generate", "std::stable_sort"})
    t[name] = does(What::kCallBack, -1, -1);
  for (const char* name : {"std::move", "std::forward", "std::ref", "std::cref", "std::addressof", "std::__addressof", "std::bind"}) t[name] = does(What::kValue);
  t["std::async"] = does(What::kContext, -1, -1);
}

void add_annotations(Table& t) {
  t["crossdep_acquire"] = t["crossdep_acquired"] = t["crossdep_acquire_nested"] = got(Kind::kMutex);
  t["crossdep_request"] = t["crossdep_assert_held"] = t["crossdep_lock_destroy"] = t["crossdep_wait_end"] = t["crossdep_flush_end"] = does(What::kIgnore);
  t["crossdep_release"] = given();
  t["crossdep_lock_init"] = t["crossdep_name"] = does(What::kName, 0, 1);
  t["crossdep_completion_init"] = does(What::kName, 0, 1, -1, Kind::kCompletion);
  t["crossdep_work_init"] = does(What::kName, 0, 1, -1, Kind::kWork);
  t["crossdep_workqueue_init"] = does(What::kName, 0, 1, -1, Kind::kWorkqueue);
  t["crossdep_wait_begin"] = waits(Kind::kCompletion);
  t["crossdep_flush_begin"] = waits(Kind::kWork);
  t["crossdep_complete"] = t["crossdep_complete_all"] = t["crossdep_signal"] = tells(Kind::kCompletion);
  t["crossdep_work_begin"] = t["crossdep_work_queue"] = t["crossdep_downgrade"] = does(What::kIgnore);
  t["crossdep_operation"] = does(What::kOperation, 0);
  t["crossdep_work_end"] = tells(Kind::kWork);
}

void add_kernel(Table& t) {
  constexpr Mode w = Mode::kWrite, r = Mode::kRead;
  for (const char* name : {"mutex_lock", "mutex_lock_nested", "mutex_lock_io", "mutex_lock_io_nested", "rt_mutex_lock"}) t[name] = got(Kind::kMutex);
  for (const char* name : {"mutex_lock_interruptible", "mutex_lock_killable", "mutex_lock_interruptible_nested", "mutex_lock_killable_nested",
                           "down_read_killable", "down_write_killable", "down_read_interruptible"})
    t[name] = tried(Kind::kMutex, w, true);
  t["mutex_trylock"] = tried(Kind::kMutex, w, false);
  t["mutex_unlock"] = t["rt_mutex_unlock"] = given();
  for (const char* name : {"spin_lock", "spin_lock_bh", "spin_lock_irq", "spin_lock_nested", "_raw_spin_lock", "_raw_spin_lock_bh", "_raw_spin_lock_irq",
                           "_raw_spin_lock_irqsave", "raw_spin_lock", "raw_spin_lock_irq", "raw_spin_lock_irqsave", "spin_lock_irqsave",
                           "_raw_spin_lock_nested", "_raw_spin_lock_irqsave_nested"})
    t[name] = got(Kind::kSpin);
  for (const char* name : {"spin_trylock", "spin_trylock_bh", "spin_trylock_irq", "_raw_spin_trylock", "raw_spin_trylock"}) t[name] = tried(Kind::kSpin, w, false);
  for (const char* name : {"write_lock", "write_lock_bh", "write_lock_irq", "write_lock_irqsave", "_raw_write_lock", "_raw_write_lock_bh",
                           "_raw_write_lock_irq", "_raw_write_lock_irqsave"})
    t[name] = got(Kind::kRwlock);
  for (const char* name : {"read_lock", "read_lock_bh", "read_lock_irq", "read_lock_irqsave", "_raw_read_lock", "_raw_read_lock_bh",
                           "_raw_read_lock_irq", "_raw_read_lock_irqsave"})
    t[name] = got(Kind::kRwlock, Mode::kRecursiveRead);
  for (const char* name : {"spin_unlock", "spin_unlock_bh", "spin_unlock_irq", "spin_unlock_irqrestore", "_raw_spin_unlock", "_raw_spin_unlock_bh",
                           "_raw_spin_unlock_irq", "_raw_spin_unlock_irqrestore", "raw_spin_unlock", "raw_spin_unlock_irq", "raw_spin_unlock_irqrestore",
                           "read_unlock", "read_unlock_bh", "read_unlock_irq", "read_unlock_irqrestore", "write_unlock", "write_unlock_bh",
                           "write_unlock_irq", "write_unlock_irqrestore", "_raw_read_unlock", "_raw_write_unlock", "_raw_read_unlock_irqrestore",
                           "_raw_write_unlock_irqrestore", "_raw_read_unlock_bh", "_raw_write_unlock_bh", "_raw_read_unlock_irq", "_raw_write_unlock_irq",
                           "up_read", "up_write", "percpu_up_read", "percpu_up_write"})
    t[name] = given();
  t["down_read"] = t["down_read_nested"] = t["percpu_down_read"] = got(Kind::kRwsem, r);
  t["down_write"] = t["down_write_nested"] = t["percpu_down_write"] = got(Kind::kRwsem);
  t["down_read_killable"] = t["down_read_interruptible"] = tried(Kind::kRwsem, r, true);
  t["down_write_killable"] = tried(Kind::kRwsem, w, true);
  t["down_read_trylock"] = tried(Kind::kRwsem, r, false);
  t["down_write_trylock"] = tried(Kind::kRwsem, w, false);
  t["down"] = waits(Kind::kSemaphore);
  t["up"] = tells(Kind::kSemaphore);
  for (const char* name : {"wait_for_completion", "wait_for_completion_io", "wait_for_completion_interruptible", "wait_for_completion_killable"})
    t[name] = waits(Kind::kCompletion);
  t["wait_for_completion_timeout"] = t["wait_for_completion_interruptible_timeout"] = waits(Kind::kCompletion, 0, -1, true);
  for (const char* name : {"complete", "complete_all", "complete_and_exit", "kthread_complete_and_exit"}) t[name] = tells(Kind::kCompletion);
  for (const char* name : {"flush_work", "cancel_work_sync", "flush_delayed_work", "cancel_delayed_work_sync", "del_timer_sync", "timer_delete_sync",
                           "timer_shutdown_sync", "hrtimer_cancel", "tasklet_kill", "kthread_flush_work", "kthread_cancel_work_sync"})
    t[name] = waits(Kind::kWork);
  for (const char* name : {"INIT_WORK", "INIT_DELAYED_WORK", "INIT_WORK_ONSTACK", "timer_setup", "setup_timer", "hrtimer_setup", "tasklet_init",
                           "tasklet_setup", "kthread_init_work"})
    t[name] = does(What::kWorkInit, 0, 1, -1, Kind::kWork);
  for (const char* name : {"flush_workqueue", "destroy_workqueue", "drain_workqueue"}) t[name] = waits(Kind::kWorkqueue);
  t["queue_work"] = t["queue_delayed_work"] = t["mod_delayed_work"] = does(What::kWorkQueue, 1, 0);
  t["queue_work_on"] = t["queue_delayed_work_on"] = t["mod_delayed_work_on"] = does(What::kWorkQueue, 2, 1);
  t["schedule_work"] = t["schedule_delayed_work"] = does(What::kWorkQueue, 0, -1);   // the system's queue
  t["flush_scheduled_work"] = waits(Kind::kWorkqueue, -1);
  // The hotplug lock is taken inside; its name is the kernel's.
  t["cpus_read_lock"] = t["get_online_cpus"] = got(Kind::kRwsem, r, -1);
  t["cpus_write_lock"] = got(Kind::kRwsem, w, -1);
  t["cpus_read_unlock"] = t["cpus_write_unlock"] = t["put_online_cpus"] = given(-1);
  t["alloc_workqueue"] = {What::kAcquire, Kind::kRwsem, r, kFlagDeferred, -1, -1, -1};   // and given back before it returns
  for (const char* name : {"kthread_create_on_node", "kthread_create", "kthread_run", "kthread_create_on_cpu", "kthread_run_on_cpu"})
    t[name] = does(What::kContext, -1, 0, 1);
  t["kthread_stop"] = t["kthread_stop_put"] = {What::kJoin, Kind::kThread, Mode::kWrite, kFlagDeferred, 0, -1, -1};
  t["request_irq"] = t["request_threaded_irq"] = does(What::kContext, -1, 1);
}

void add_libraries(Table& t) {
  constexpr Mode w = Mode::kWrite, r = Mode::kRead;
  for (const char* name : {"g_mutex_lock", "g_rec_mutex_lock"}) t[name] = got(Kind::kMutex);
  for (const char* name : {"g_mutex_trylock", "g_rec_mutex_trylock"}) t[name] = tried(Kind::kMutex, w, false);
  t["g_rw_lock_writer_lock"] = got(Kind::kRwlock);
  t["g_rw_lock_reader_lock"] = got(Kind::kRwlock, r);
  for (const char* name : {"g_mutex_unlock", "g_rec_mutex_unlock", "g_rw_lock_writer_unlock", "g_rw_lock_reader_unlock"}) t[name] = given();
  t["g_cond_wait"] = waits(Kind::kCond, 0, 1);
  t["g_cond_wait_until"] = waits(Kind::kCond, 0, 1, true);
  t["g_cond_signal"] = t["g_cond_broadcast"] = tells(Kind::kCond);
  t["g_thread_new"] = t["g_thread_try_new"] = does(What::kContext, -1, 1, 2);
  t["g_thread_create"] = does(What::kContext, -1, 0, 1);
  t["g_thread_join"] = {What::kJoin, Kind::kThread, w, kFlagDeferred, 0, -1, -1};
  t["g_rw_lock_writer_trylock"] = tried(Kind::kRwlock, w, false);
  t["g_rw_lock_reader_trylock"] = tried(Kind::kRwlock, r, false);
  for (const char* type : {"QMutex::lock", "QRecursiveMutex::lock"}) t[type] = got(Kind::kMutex, w, kThis);
  t["QMutex::tryLock"] = t["QMutex::try_lock"] = tried(Kind::kMutex, w, false, false, kThis);
  t["QRecursiveMutex::tryLock"] = t["QBasicMutex::tryLock"] = tried(Kind::kMutex, w, false, false, kThis);
  t["QReadWriteLock::tryLockForRead"] = tried(Kind::kRwlock, r, false, false, kThis);
  t["QReadWriteLock::tryLockForWrite"] = tried(Kind::kRwlock, w, false, false, kThis);
  t["QSemaphore::acquire"] = waits(Kind::kSemaphore, kThis);
  t["QSemaphore::release"] = tells(Kind::kSemaphore, kThis);
  t["QReadWriteLock::lockForRead"] = got(Kind::kRwlock, r, kThis);
  t["QReadWriteLock::lockForWrite"] = got(Kind::kRwlock, w, kThis);
  for (const char* name : {"QMutex::unlock", "QRecursiveMutex::unlock", "QReadWriteLock::unlock", "QBasicMutex::unlock"}) t[name] = given(kThis);
  t["QBasicMutex::lock"] = got(Kind::kMutex, w, kThis);
  t["QWaitCondition::wait"] = waits(Kind::kCond, kThis, 0);
  t["QWaitCondition::wakeOne"] = t["QWaitCondition::wakeAll"] = tells(Kind::kCond, kThis);
  for (const char* name : {"absl::Mutex::Lock", "absl::Mutex::WriterLock", "absl::Mutex::lock"}) t[name] = got(Kind::kMutex, w, kThis);
  t["absl::Mutex::ReaderLock"] = t["absl::Mutex::lock_shared"] = got(Kind::kMutex, r, kThis);
  t["absl::Mutex::ReaderTryLock"] = tried(Kind::kMutex, r, false, false, kThis);
  t["absl::Mutex::unlock_shared"] = given(kThis);
  t["absl::CondVar::WaitWithTimeout"] = t["absl::CondVar::WaitWithDeadline"] = waits(Kind::kCond, kThis, 0, true);
  t["absl::BlockingCounter::Wait"] = waits(Kind::kCompletion, kThis);
  t["absl::BlockingCounter::DecrementCount"] = tells(Kind::kCompletion, kThis);
  t["absl::Mutex::TryLock"] = tried(Kind::kMutex, w, false, false, kThis);
  for (const char* name : {"absl::Mutex::Unlock", "absl::Mutex::WriterUnlock", "absl::Mutex::ReaderUnlock", "absl::Mutex::unlock"}) t[name] = given(kThis);
  t["absl::CondVar::Wait"] = waits(Kind::kCond, kThis, 0);
  t["absl::CondVar::Signal"] = t["absl::CondVar::SignalAll"] = tells(Kind::kCond, kThis);
  t["absl::Notification::WaitForNotification"] = waits(Kind::kCompletion, kThis);
  t["absl::Notification::Notify"] = tells(Kind::kCompletion, kThis);
}

const Table& table() {
  static const Table kTable = [] {
    Table t;
    add_pthread(t);
    add_std(t);
    add_annotations(t);
    add_kernel(t);
    add_libraries(t);
    return t;
  }();
  return kTable;
}

}  // namespace

const Operation* find_operation(std::string_view name) {
  const auto at = table().find(name);
  return at == table().end() ? nullptr : &at->second;
}

const GuardClass* find_guard(std::string_view class_name) {
  static const std::unordered_map<std::string_view, GuardClass> kGuards = {
      {"std::lock_guard", {}}, {"std::unique_lock", {}}, {"std::scoped_lock", {}}, {"std::shared_lock", {Mode::kRead, false}},
      {"boost::lock_guard", {}}, {"boost::unique_lock", {}}, {"boost::shared_lock", {Mode::kRead, false}},
      {"boost::mutex::scoped_lock", {}}, {"absl::MutexLock", {Mode::kWrite, true}},
      {"absl::WriterMutexLock", {Mode::kWrite, true}}, {"absl::ReaderMutexLock", {Mode::kRead, true}}, {"absl::ReleasableMutexLock", {Mode::kWrite, true}},
      {"QMutexLocker", {Mode::kWrite, true}}, {"QWriteLocker", {Mode::kWrite, true}}, {"QReadLocker", {Mode::kRead, true}},
  };
  const auto at = kGuards.find(class_name);
  return at == kGuards.end() ? nullptr : &at->second;
}

bool looks_like_lock(std::string_view name) {
  std::string lower(name.substr(name.rfind(':') == std::string_view::npos ? 0 : name.rfind(':') + 1));
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* word : {"block", "clock", "flock", "mlock", "munlock", "init", "destroy", "free", "attr", "new", "alloc", "is_locked", "set", "size", "count"})
    if (lower.find(word) != std::string::npos) return false;
  return lower.find("lock") != std::string::npos || lower.find("mutex_enter") != std::string::npos || lower.find("mutex_exit") != std::string::npos;
}

bool body_counts_more(std::string_view name) {
  return name.rfind("pthread_", 0) != 0 && name.rfind("std::", 0) != 0 && name.rfind("crossdep_", 0) != 0 && name.rfind("sem_", 0) != 0;
}

}  // namespace crossdep::source
