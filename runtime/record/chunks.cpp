// SPDX-License-Identifier: MIT
//
// The file as a row of chunks: opening it, reserving and mapping space, handing chunks to the journal and the streams,
// and what happens when there is no more space.
//
// Space is reserved in regions that double up to 1 MiB, so that a system call per 64 KiB is the exception; a half-empty
// window of a thread that ended goes to the next one, so that short threads cost neither page faults nor file space.
//
// Threading: see journal.h.  Allocation: mmap.
#include "record/journal_state.h"

namespace crossdep::record {
namespace {

constexpr int kMadvWipeOnFork = 18, kMadvPopulateWrite = 23;   // not in every libc's headers

std::size_t length_of(const char* text) {
  std::size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}

struct Line {
  char text[4096 + 256];
  std::size_t length = 0;
  void add(const char* part) {
    while (*part != '\0' && length < sizeof text) text[length++] = *part++;
  }
  void add_number(std::uint64_t value) {
    char digits[24];
    unsigned count = 0;
    do digits[count++] = static_cast<char>('0' + value % 10); while ((value /= 10) != 0);
    while (count > 0 && length < sizeof text) text[length++] = digits[--count];
  }
};

void tell_standard_error(const char* line, std::size_t length) { sys::write(2, line, length); }

}  // namespace

const char* error_name(int error) noexcept {
  switch (error) {
    case 2: return "No such file or directory";
    case 5: return "Input/output error";
    case 9: return "Bad file descriptor";
    case 12: return "Cannot allocate memory";
    case 13: return "Permission denied";
    case 20: return "Not a directory";
    case 21: return "Is a directory";
    case 23: case 24: return "Too many open files";
    case 27: return "File too large";
    case 28: return "No space left on device";
    case 30: return "Read-only file system";
    case 36: return "File name too long";
    case 122: return "Disk quota exceeded";
    default: return nullptr;
  }
}

std::uint32_t Journal::load_state() const noexcept { return state_->status.load(std::memory_order_acquire); }

const std::atomic<std::uint64_t>* Journal::clock() const noexcept { return state_ == nullptr ? nullptr : &state_->clock; }

std::uint64_t Journal::tick() noexcept {
  return state_ == nullptr ? 0 : state_->clock.fetch_add(1, std::memory_order_acq_rel) + 1;
}

std::uint64_t Journal::lost() const noexcept {
  return state_ == nullptr ? 0 : state_->lost.load(std::memory_order_relaxed);
}

void Journal::fail(const char* what, int error) noexcept {
  if (state_ != nullptr) {
    std::uint32_t was = kOpen;
    if (!state_->status.compare_exchange_strong(was, kBroken) && was == kBroken) return;   // told already
  }
  Line line;
  line.add("crossdep: error: ");
  line.add(path_);
  line.add(": ");
  line.add(what);
  line.add(": ");
  if (const char* name = error_name(error)) line.add(name);
  else line.add("error "), line.add_number(static_cast<std::uint64_t>(error));
  line.add("; recording stops here\n");
  (tell_ != nullptr ? tell_ : tell_standard_error)(line.text, line.length);
}

bool Journal::open(const char* path, const ProcessInfo& process, Tell tell) noexcept {
  tell_ = tell;
  const std::size_t length = length_of(path);
  const bool fits = length < sizeof path_;
  for (std::size_t i = 0; i <= length && i < sizeof path_; ++i) path_[i] = path[i];
  path_[fits ? length : sizeof path_ - 1] = '\0';
  if (state_ == nullptr) {
    long error = 0;
    void* memory = sys::map(sizeof(State), MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, &error);
    if (memory == nullptr) return fail("cannot begin the trace", static_cast<int>(-error)), false;
    state_ = static_cast<State*>(memory);   // zero pages: a closed State
    sys::advise(memory, sizeof(State), kMadvWipeOnFork);
  }
  if (!fits) return fail("cannot begin the trace", 36), false;

  // A new file beside the old one's name: whoever still has the old one mapped keeps what he has.
  sys::unlink(path_);
  const long opened = sys::open(path_, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (sys::failed(opened)) return fail("cannot create the trace", static_cast<int>(-opened)), false;
  // Out of the way of programs that expect the lowest free number.
  long moved = sys::duplicate_above(static_cast<int>(opened), 1000);
  if (sys::failed(moved)) moved = sys::duplicate_above(static_cast<int>(opened), 200);
  if (!sys::failed(moved)) sys::close(static_cast<int>(opened));
  state_->descriptor = static_cast<int>(sys::failed(moved) ? opened : moved);
  state_->status.store(kOpen);   // from here on trouble is told once and breaks it
  const long known = sys::identity(state_->descriptor, &state_->device, &state_->inode);
  if (sys::failed(known)) return fail("cannot create the trace", static_cast<int>(-known)), false;

  state_->region_size = 0;
  if (!extend(2)) return false;   // the file header's chunk and the journal's first
  state_->header = reinterpret_cast<FileHeader*>(state_->next_memory);
  state_->next_memory += kChunkSize;
  state_->next_chunk = 1;
  FileHeader& header = *state_->header;
  for (unsigned i = 0; i < sizeof kMagic; ++i) header.magic[i] = kMagic[i];
  header.major = kVersionMajor;
  header.minor = kVersionMinor;
  header.header_size = sizeof(FileHeader);
  header.chunk_size = kChunkSize;
  header.pid = process.pid;
  header.parent_pid = process.parent_pid;
  header.start_time = sys::wall_clock();
  std::atomic_ref<std::uint32_t>(header.check).store(header_check(header), std::memory_order_release);
  put_process(process);
  return is_open();
}

void Journal::close() noexcept {
  if (state_ == nullptr || load_state() == kClosed) return;
  if (state_->journal.chunk != nullptr) sys::unmap(state_->journal.chunk, kChunkSize);
  for (std::uint32_t i = 0; i < state_->pool_count; ++i) sys::unmap(state_->pool[i].chunk, kChunkSize);
  if (state_->end_chunk > state_->next_chunk)
    sys::unmap(state_->next_memory, std::size_t{state_->end_chunk - state_->next_chunk} * kChunkSize);
  if (state_->header != nullptr) sys::unmap(state_->header, kChunkSize);
  sys::close(state_->descriptor);
  state_->header = nullptr;
  state_->next_chunk = state_->end_chunk = state_->pool_count = state_->journal_ordinal = 0;
  state_->journal = Window{};
  state_->lost.store(0);
  state_->clock.store(0);
  state_->status.store(kClosed);
}

/// The descriptor may have been closed by the program, and its number may by now be a file of the program's own.
bool Journal::check_descriptor() noexcept {
  std::uint64_t device = 0, inode = 0;
  if (!sys::failed(sys::identity(state_->descriptor, &device, &inode)) && device == state_->device &&
      inode == state_->inode)
    return true;
  const long opened = sys::open(path_, O_RDWR | O_CLOEXEC, 0);
  if (sys::failed(opened)) return fail("the trace was closed by the program", static_cast<int>(-opened)), false;
  if (sys::failed(sys::identity(static_cast<int>(opened), &device, &inode)) || device != state_->device ||
      inode != state_->inode) {
    sys::close(static_cast<int>(opened));
    return fail("the trace was replaced by another file", 9), false;
  }
  const long moved = sys::duplicate_above(static_cast<int>(opened), 1000);
  if (!sys::failed(moved)) sys::close(static_cast<int>(opened));
  state_->descriptor = static_cast<int>(sys::failed(moved) ? opened : moved);
  return true;
}

/// Reserves and maps `chunks` more chunks at the end of the file. Every byte mapped has its place on the disk.
bool Journal::extend(std::uint32_t chunks) noexcept {
  if (!check_descriptor()) return false;
  const std::uint64_t offset = std::uint64_t{state_->end_chunk} * kChunkSize;
  const std::uint64_t size = std::uint64_t{chunks} * kChunkSize;
  rlimit limit{};
  if (!sys::failed(sys::file_size_limit(&limit)) && limit.rlim_cur != RLIM_INFINITY && offset + size > limit.rlim_cur)
    return fail("cannot grow the trace", 27), false;   // growing it would raise SIGXFSZ
  long reserved = sys::fallocate(state_->descriptor, offset, size);
  if (reserved == -95 || reserved == -38) {            // a file system that cannot: write zeros
    for (std::uint64_t done = 0; done < size; done += kChunkSize) {
      reserved = sys::write_zeros(state_->descriptor, kChunkSize, offset + done);
      if (reserved != static_cast<long>(kChunkSize)) break;
    }
    if (!sys::failed(reserved) && reserved != static_cast<long>(kChunkSize)) reserved = -28;
  }
  if (sys::failed(reserved)) return fail("cannot grow the trace", static_cast<int>(-reserved)), false;
  long error = 0;
  void* memory = sys::map(size, MAP_SHARED, state_->descriptor, offset, &error);
  if (memory == nullptr) return fail("cannot map the trace", static_cast<int>(-error)), false;
  state_->next_memory = static_cast<std::uint8_t*>(memory);
  state_->next_chunk = state_->end_chunk;
  state_->end_chunk += chunks;
  state_->region_size = chunks;
  FileHeader* header = state_->header != nullptr ? state_->header : static_cast<FileHeader*>(memory);
  std::atomic_ref<std::uint32_t>(header->chunk_count).store(state_->end_chunk, std::memory_order_release);
  return true;
}

/// The next chunk, its header written. Spin lock held, or alone.
ChunkHeader* Journal::map_chunk(ChunkKind kind) noexcept {
  if (load_state() != kOpen) return nullptr;
  if (state_->next_chunk == state_->end_chunk) {
    const std::uint32_t chunks = state_->end_chunk < 4 ? 1 : state_->region_size * 2;
    if (!extend(chunks < kMaxRegion ? chunks : kMaxRegion)) return nullptr;
  }
  auto* chunk = reinterpret_cast<ChunkHeader*>(state_->next_memory);
  if (kind == ChunkKind::kEvents) {
    // Written pages are mapped three times as fast as reserved ones (ext4: 20 us a chunk instead of 76).
    if (!check_descriptor()) return nullptr;
    sys::write_zeros(state_->descriptor, kChunkSize, std::uint64_t{state_->next_chunk} * kChunkSize);
    sys::advise(chunk, kChunkSize, kMadvPopulateWrite);
  }
  state_->next_memory += kChunkSize;
  chunk->index = state_->next_chunk++;
  chunk->kind = kind;
  chunk->ordinal = kind == ChunkKind::kJournal ? state_->journal_ordinal++ : 0;
  std::atomic_ref<std::uint32_t>(chunk->committed).store(sizeof(ChunkHeader), std::memory_order_release);
  std::atomic_ref<std::uint32_t>(chunk->magic).store(kChunkMagic, std::memory_order_release);
  return chunk;
}

Window Journal::take(std::uint32_t stream, std::uint32_t ordinal, bool fresh) noexcept {
  if (!is_open()) return {};
  Window window;
  {
    SpinGuard guard(state_->spin);
    if (!fresh && state_->pool_count > 0) {
      window = state_->pool[--state_->pool_count];
    } else {
      window.chunk = map_chunk(ChunkKind::kEvents);
      window.used = sizeof(ChunkHeader);
    }
    if (window.chunk == nullptr) return {};
    std::atomic_ref<std::uint32_t>(state_->header->flags).fetch_or(kHasEvents, std::memory_order_relaxed);
  }
  ChunkHeader& chunk = *window.chunk;
  const std::uint64_t since = (sys::wall_clock() - state_->header->start_time) / 1'000'000;
  chunk.segments[chunk.segment_count] = {stream, ordinal, window.used, static_cast<std::uint32_t>(since)};
  std::atomic_ref<std::uint32_t>(chunk.segment_count).store(chunk.segment_count + 1, std::memory_order_release);
  return window;
}

void Journal::give(Window window) noexcept {
  if (window.chunk == nullptr) return;
  if (is_open() && kChunkSize - window.used >= kFullWindow && window.chunk->segment_count < kSegmentCapacity) {
    SpinGuard guard(state_->spin);
    if (state_->pool_count < kPoolCapacity) {
      state_->pool[state_->pool_count++] = window;
      return;
    }
  }
  sys::unmap(window.chunk, kChunkSize);
}

}  // namespace crossdep::record
