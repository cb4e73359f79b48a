// SPDX-License-Identifier: MIT
//
// Programs for program.h: of random operations, and of shapes that are refuted for a reason chance rarely makes - a
// parent's lock, acquisition histories - with a few random changes, most of which take the reason away.
//
// Threading: single-threaded.
#pragma once

#include <random>
#include <vector>

#include "unit/engine/program.h"

namespace crossdep::engine::test {

/// A barrier, at which some threads meet, once or twice; not always in numbers that come out even.
template <class Below>
void add_meetings(Program& program, Below& below) {
  for (std::vector<Op>& ops : program.threads) {
    if (below(4) == 0) continue;
    ++program.party;
    for (unsigned rounds = 1 + (below(4) == 0); rounds != 0; --rounds)
      ops.insert(ops.begin() + below(static_cast<unsigned>(ops.size()) + 1), {Do::kMeet, 0, Mode::kWrite});
  }
  if (program.party > 2 && below(4) == 0) --program.party;   // it is chance who meets whom
}

inline Program program_of_chance(std::mt19937& random) {
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  Program program;
  const unsigned threads = 2 + below(3);
  program.locks = 2 + below(State::kMaxLocks - 1);
  program.completions = below(State::kMaxCompletions + 1);
  program.threads.resize(threads);
  const bool readers = below(3) == 0, meets = below(3) == 0, sleeps = below(3) == 0;
  for (unsigned t = 0; t < threads; ++t) {
    std::vector<Op>& ops = program.threads[t];
    std::vector<unsigned> held;
    std::vector<unsigned> mutexes;   // of these, got for certain and for writing
    const unsigned length = 3 + below(5);
    for (unsigned i = 0; i < length; ++i) {
      const unsigned choice = below(12);
      if (choice < 6 && held.size() < 3) {
        const unsigned lock = below(program.locks);
        bool mine = false;
        for (const unsigned h : held) mine = mine || h == lock;
        if (mine) continue;
        const Mode mode = readers && below(2) ? (below(2) ? Mode::kRead : Mode::kRecursiveRead) : Mode::kWrite;
        ops.push_back({below(8) == 0 ? Do::kTry : Do::kAcquire, lock, mode});
        held.push_back(lock);
        if (ops.back().what == Do::kAcquire && mode == Mode::kWrite) mutexes.push_back(lock);
      } else if (choice < 9 && !held.empty()) {
        const unsigned which = below(3) == 0 ? below(static_cast<unsigned>(held.size())) : static_cast<unsigned>(held.size()) - 1;
        ops.push_back({Do::kRelease, held[which], Mode::kWrite});
        std::erase(mutexes, held[which]);
        held.erase(held.begin() + which);
      } else if (sleeps && below(2)) {
        if (!mutexes.empty() && below(2)) ops.push_back({Do::kSleep, mutexes[below(static_cast<unsigned>(mutexes.size()))], Mode::kWrite});
        else ops.push_back({Do::kBroadcast, 0, Mode::kWrite});
      } else if (program.completions != 0) {
        ops.push_back({below(2) ? Do::kSignal : Do::kWait, below(program.completions), Mode::kWrite});
      }
    }
    while (!held.empty()) {
      ops.push_back({Do::kRelease, held.back(), Mode::kWrite});
      held.pop_back();
    }
  }
  if (meets) add_meetings(program, below);
  // Each thread but the first is created by one before it, somewhere or within a critical section, and often joined.
  for (unsigned t = 1; t < threads; ++t) {
    std::vector<Op>& creator = program.threads[below(3) == 0 ? below(t) : 0];
    unsigned from = 0, until = static_cast<unsigned>(creator.size());
    const unsigned section = below(static_cast<unsigned>(creator.size()) + 1);
    const bool within = below(2) && section < creator.size() && creator[section].what == Do::kAcquire;
    for (unsigned i = section + 1; within && i < until; ++i) {
      if (creator[i].what != Do::kRelease || creator[i].object != creator[section].object) continue;
      from = section + 1;
      until = i;
    }
    const unsigned at = from + below(until - from + 1);
    creator.insert(creator.begin() + at, {Do::kCreate, t, Mode::kWrite});
    if (within || below(2)) {
      const unsigned later = at + 1 + below((within ? until : static_cast<unsigned>(creator.size()) - 1) - at + 1);
      creator.insert(creator.begin() + later, {Do::kJoin, t, Mode::kWrite});
    }
  }
  return program;
}

/// Each lock is released by who holds it, nothing is got twice, every thread made once and before it is joined.
inline bool is_valid(const Program& program) {
  std::vector<unsigned> made(program.threads.size()), joined(program.threads.size());
  for (unsigned t = 0; t < program.threads.size(); ++t) {
    bool held[State::kMaxLocks] = {};
    for (const Op& op : program.threads[t]) {
      switch (op.what) {
        case Do::kAcquire:
        case Do::kTry:
          if (held[op.object]) return false;
          held[op.object] = true;
          break;
        case Do::kRelease:
          if (!held[op.object]) return false;
          held[op.object] = false;
          break;
        case Do::kCreate:
          if (op.object <= t || ++made[op.object] != 1) return false;
          break;
        case Do::kJoin:
          if (made[op.object] != 1 || ++joined[op.object] != 1) return false;
          break;
        default: break;
      }
    }
    for (const bool still : held)
      if (still) return false;
  }
  return true;
}

/// One random change; false if nothing came of it.
inline bool change(Program& program, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return static_cast<unsigned>(random() % n); };
  Program changed = program;
  std::vector<Op>& ops = changed.threads[below(changed.threads.size())];
  if (ops.empty()) return false;
  const unsigned at = below(ops.size());
  Op& op = ops[at];
  const unsigned lock = below(program.locks);
  switch (below(6)) {
    case 0:   // left out; a lock's release with it
      if (op.what == Do::kAcquire)
        for (unsigned i = at + 1; i < ops.size(); ++i)
          if (ops[i].what == Do::kRelease && ops[i].object == op.object) {
            ops.erase(ops.begin() + i);
            break;
          }
      ops.erase(ops.begin() + at);
      break;
    case 1:
    case 2: std::swap(op, ops[below(ops.size())]); break;
    case 3: op.mode = below(2) ? Mode::kRead : Mode::kRecursiveRead; break;
    case 4: op.what = op.what == Do::kAcquire ? Do::kTry : op.what; break;
    case 5:
      ops.insert(ops.begin() + at, {{Do::kAcquire, lock, Mode::kWrite}, {Do::kRelease, lock, Mode::kWrite}});
      break;
  }
  if (!is_valid(changed)) return false;
  program = changed;
  return true;
}

inline Program shaped_program(std::mt19937& random) {
  const auto got = [](unsigned lock) { return Op{Do::kAcquire, lock, Mode::kWrite}; };
  const auto left = [](unsigned lock) { return Op{Do::kRelease, lock, Mode::kWrite}; };
  const auto made = [](unsigned thread) { return Op{Do::kCreate, thread, Mode::kWrite}; };
  const auto joined = [](unsigned thread) { return Op{Do::kJoin, thread, Mode::kWrite}; };
  constexpr unsigned kA = 0, kB = 1, kG = 2, kH = 3;
  Program program;
  program.locks = 4;
  switch (random() % 4) {
    case 0:   // a parent's lock guards its child
      program.threads = {{made(1), got(kG), made(2), joined(2), left(kG)},
                         {got(kG), got(kB), got(kA), left(kA), left(kB), left(kG)},
                         {got(kA), got(kB), left(kB), left(kA)}};
      break;
    case 1:   // ... and that one's
      program.threads = {{made(1), got(kG), made(2), joined(2), left(kG)},
                         {got(kG), got(kB), got(kA), left(kA), left(kB), left(kG)},
                         {made(3), joined(3)},
                         {got(kA), got(kB), left(kB), left(kA)}};
      break;
    case 2:   // two of them, of one parent or of two
      program.threads = {{got(kG), made(2), joined(2), left(kG), made(1)},
                         {got(kG), made(3), joined(3), left(kG)},
                         {got(kA), got(kB), left(kB), left(kA)},
                         {got(kB), got(kA), left(kA), left(kB)}};
      if (random() % 2) std::swap(program.threads[0][4], program.threads[0][0]);
      break;
    case 3:   // histories
      program.threads = {{made(1), got(kG), got(kH), left(kH), got(kA), got(kB), left(kB), left(kA), left(kG)},
                         {got(kH), got(kG), left(kG), got(kB), got(kA), left(kA), left(kB), left(kH)}};
      break;
  }
  for (unsigned changes = static_cast<unsigned>(random() % 4); changes != 0; --changes) change(program, random);
  return program;
}

inline Program random_program(std::mt19937& random) {
  return random() % 4 == 0 ? shaped_program(random) : program_of_chance(random);
}

}  // namespace crossdep::engine::test
