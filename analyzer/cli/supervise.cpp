// SPDX-License-Identifier: MIT
//
// The child stays in our process group, so the terminal treats both as one job: what the keyboard sends (^C, ^\, ^Z,
// hang-up of the terminal) reaches the child by itself and is not passed on a second time; what a process sends to us
// alone is passed on. When the child is stopped by the terminal we stop too, so that the shell gets its prompt back.
//
// Signals are taken synchronously (sigtimedwait's family), so nothing here runs in a handler.
//
// Threading: one thread (so the fork child may allocate).  Allocation: the heap.
#include "cli/supervise.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace crossdep::cli {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

/// Every signal that can be caught, except those that report our own faults and those that this process ignores.
sigset_t forwarded_signals() {
  sigset_t set;
  sigfillset(&set);
  for (int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPIPE, SIGTTIN, SIGTTOU, SIGKILL, SIGSTOP})
    sigdelset(&set, own);
  for (int n = 1; n < NSIG; ++n) {
    struct sigaction action;
    if (n != SIGCHLD && sigaction(n, nullptr, &action) == 0 && (action.sa_flags & SA_SIGINFO) == 0 &&
        action.sa_handler == SIG_IGN)
      sigdelset(&set, n);
  }
  return set;
}

[[noreturn]] void become(const std::string& path, char* const* arguments, char* const* environment,
                         const sigset_t& mask, int report) {
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  execve(path.c_str(), arguments, environment);
  if (errno == ENOEXEC) {   // a text without `#!`: the shell's, as execvp() has it
    std::size_t count = 0;
    while (arguments[count] != nullptr) ++count;
    std::vector<char*> shell{const_cast<char*>("/bin/sh"), const_cast<char*>(path.c_str())};
    for (std::size_t i = 1; i <= count; ++i) shell.push_back(arguments[i]);
    execve("/bin/sh", shell.data(), environment);
  }
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(report, &error, sizeof error);
  _exit(127);
}

/// The errno of a failed exec, 0 if the program began.
int exec_error(int report) {
  int error = 0;
  ssize_t n;
  do n = read(report, &error, sizeof error);
  while (n < 0 && errno == EINTR);
  return n == sizeof error ? error : 0;
}

/// True when the child has ended; a stop is mirrored.
bool reap(Outcome& outcome) {
  for (;;) {
    int status = 0;
    const pid_t pid = waitpid(outcome.pid, &status, WNOHANG | WUNTRACED);
    if (pid == 0) return false;
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) return true;
    if (WIFSTOPPED(status)) {
      const int by = WSTOPSIG(status);
      if (by == SIGTSTP || by == SIGTTIN || by == SIGTTOU) kill(getpid(), SIGSTOP);
      continue;
    }
    outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    outcome.status = outcome.signal != 0 ? 128 + outcome.signal : WEXITSTATUS(status);
    return true;
  }
}

/// What arrived while the child ended (^C ends both) has done its work: it must not end us before the results are out.
void drain(const sigset_t& watched) {
  const timespec now{};
  while (sigtimedwait(&watched, nullptr, &now) > 0) continue;
}

void pass_on(const siginfo_t& info, pid_t child) {
  const bool from_terminal = info.si_code > 0;   // SI_KERNEL: the whole process group has got it
  if (info.si_signo == SIGCONT || (!from_terminal && info.si_pid != child)) kill(child, info.si_signo);
}

}  // namespace

Outcome supervise(const std::string& path, const std::vector<std::string>& arguments,
                  const std::vector<std::string>& environment) {
  Outcome outcome;
  outcome.status = 125;
  const std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) {
    outcome.exec_error = errno;
    return outcome;
  }

  const sigset_t watched = forwarded_signals();
  sigset_t before;
  sigprocmask(SIG_BLOCK, &watched, &before);
  // Where SIGCHLD is ignored the kernel would throw the status away; the child gets back what we were given.
  struct sigaction children, inherited;
  sigemptyset(&children.sa_mask);
  children.sa_flags = 0;
  children.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &children, &inherited);
  outcome.pid = fork();
  if (outcome.pid == 0) {
    sigaction(SIGCHLD, &inherited, nullptr);
    become(path, argv.data(), envp.data(), before, report[1]);
  }
  close(report[1]);
  if (outcome.pid < 0) {
    outcome.exec_error = errno;
  } else if (outcome.exec_error = exec_error(report[0]); outcome.exec_error != 0) {
    waitpid(outcome.pid, nullptr, 0);
    outcome.status = outcome.exec_error == ENOENT ? 127 : 126;
  } else {
    while (!reap(outcome)) {
      siginfo_t info;
      if (sigwaitinfo(&watched, &info) > 0 && info.si_signo != SIGCHLD) pass_on(info, outcome.pid);
    }
  }
  close(report[0]);
  drain(watched);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return outcome;
}

}  // namespace crossdep::cli
