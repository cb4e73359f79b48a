// SPDX-License-Identifier: MIT
//
// The records of the journal: each is built in a scratch buffer, then copied into the journal's chunk and committed, so
// that a reader never sees half of one. Fields are varints; FORMAT.md lists them.
//
// A record has at most 48 KiB: longer strings and lists are cut and the cut is counted (lost()).
//
// Threading: the engine's Serialiser is held.  Allocation: none but chunks.
#include "record/journal_state.h"

namespace crossdep::record {
namespace {

constexpr std::uint32_t kMaxText = 4096, kMaxArguments = 24 * 1024;
constexpr std::uint32_t kReserve = 96;   // left free in a journal chunk, for totals written when there is no next one
constexpr std::uint32_t kMaxHeld = 1000, kMaxLinks = 1500, kMaxFramesKept = 1024, kMaxSegments = 500;

std::uint32_t text_length(const char* text) {
  std::uint32_t length = 0;
  while (text != nullptr && text[length] != '\0') ++length;
  return length;
}

std::uint8_t* put(std::uint8_t* q, std::uint64_t value) {
  while (value >= 128) {
    *q++ = static_cast<std::uint8_t>(value | 128);
    value >>= 7;
  }
  *q++ = static_cast<std::uint8_t>(value);
  return q;
}

}  // namespace

/// One record in the making; sent by its destructor.
class RecordWriter {
 public:
  RecordWriter(Journal& journal, JournalOp op) noexcept : journal_(journal), open_(journal.is_open()) {
    if (!open_) {
      if (journal_.state_ != nullptr && journal_.load_state() == Journal::kBroken) {
        open_ = op == JournalOp::kFinish;   // the totals still fit: see kReserve
        if (!open_) journal_.state_->lost.fetch_add(1, std::memory_order_relaxed);
      }
      if (!open_) return;
    }
    begin_ = at_ = journal_.state_->scratch;
    *at_++ = static_cast<std::uint8_t>(op);
  }
  ~RecordWriter() {
    if (open_) journal_.append(begin_, static_cast<std::uint32_t>(at_ - begin_));
  }
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  template <typename Value>
  RecordWriter& number(Value value) noexcept {
    if (open_) at_ = put(at_, static_cast<std::uint64_t>(value));
    return *this;
  }
  RecordWriter& optional(std::uint32_t id) noexcept { return number(static_cast<std::uint32_t>(id + 1)); }
  RecordWriter& difference(std::uint64_t value, std::uint64_t from) noexcept {
    const auto step = static_cast<std::int64_t>(value - from);
    return number(static_cast<std::uint64_t>(step) << 1 ^ static_cast<std::uint64_t>(step >> 63));
  }
  RecordWriter& bytes(const void* data, std::uint32_t length, std::uint32_t limit = kMaxText) noexcept {
    length = count(length, limit);
    if (!open_) return *this;
    const auto* from = static_cast<const std::uint8_t*>(data);
    for (std::uint32_t i = 0; i < length; ++i) *at_++ = from[i];
    return *this;
  }
  /// The length of a list or string, cut to `limit`.
  std::uint32_t count(std::uint32_t length, std::uint32_t limit) noexcept {
    if (open_ && length > limit) journal_.state_->lost.fetch_add(1, std::memory_order_relaxed);
    if (length > limit) length = limit;
    number(length);
    return length;
  }
  void held(const engine::HeldInfo* entries, std::uint32_t length) noexcept {
    // The innermost are kept: they are what the request was made under.
    const std::uint32_t kept = count(length, kMaxHeld);
    for (const engine::HeldInfo* h = entries + (length - kept); h != entries + length; ++h)
      optional(h->instance).optional(h->class_id).number(static_cast<unsigned>(h->mode) | (h->pseudo ? 4u : 0u))
          .number(h->flags).number(h->site);
  }

 private:
  Journal& journal_;
  bool open_;
  std::uint8_t* begin_ = nullptr;
  std::uint8_t* at_ = nullptr;
};

/// Length and record into the journal's chunk, then committed at once.
void Journal::append(const std::uint8_t* record, std::uint32_t size) noexcept {
  Window& window = state_->journal;
  const bool broken = load_state() == kBroken;
  if (window.chunk == nullptr || kChunkSize - window.used < size + (broken ? 5 : kReserve)) {
    if (broken) return;
    SpinGuard guard(state_->spin);
    ChunkHeader* chunk = map_chunk(ChunkKind::kJournal);
    if (chunk == nullptr) {
      state_->lost.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    if (window.chunk != nullptr) sys::unmap(window.chunk, kChunkSize);
    window = {chunk, sizeof(ChunkHeader)};
  }
  auto* const base = reinterpret_cast<std::uint8_t*>(window.chunk);
  std::uint8_t* q = put(base + window.used, size);
  for (std::uint32_t i = 0; i < size; ++i) *q++ = record[i];
  window.used = static_cast<std::uint32_t>(q - base);
  std::atomic_ref<std::uint32_t>(window.chunk->committed).store(window.used, std::memory_order_release);
}

void Journal::put_process(const ProcessInfo& process) noexcept {
  RecordWriter(*this, JournalOp::kProcess)
      .number(process.pid)
      .number(process.parent_pid)
      .bytes(process.executable, text_length(process.executable))
      .bytes(process.arguments, process.arguments_length, kMaxArguments);
}

void Journal::module(const ModuleInfo& module) noexcept {
  RecordWriter record(*this, JournalOp::kModule);
  record.number(module.serial).number(seen());
  record.bytes(module.path, text_length(module.path)).bytes(module.build_id, module.build_id_length, 64);
  record.number(module.bias);
  const std::uint32_t count = record.count(module.segment_count, kMaxSegments);
  for (std::uint32_t i = 0; i < count; ++i) {
    const ModuleSegment& segment = module.segments[i];
    record.number(segment.begin).number(segment.end - segment.begin).number(segment.file_offset);
  }
}

void Journal::module_unloaded(std::uint32_t serial) noexcept {
  RecordWriter(*this, JournalOp::kUnload).number(serial).number(seen());
}

void Journal::on_class(const engine::ClassInfo& info) noexcept {
  RecordWriter record(*this, JournalOp::kClass);
  record.number(info.id).number(info.key_kind).number(info.kind).number(info.subclass)
      .number(info.wait_outer).number(info.wait_inner).number(info.ordinal).number(info.key)
      .bytes(info.name, info.name_length);
  if (info.caller_count == 0) return;
  const unsigned count = record.count(info.caller_count, kMaxFramesKept);
  for (unsigned i = 0; i < count; ++i) record.difference(info.callers[i], i == 0 ? info.key : info.callers[i - 1]);
}

void Journal::on_class_usage(engine::ClassId id, std::uint8_t usage) noexcept {
  RecordWriter(*this, JournalOp::kClassUsage).number(id).number(usage);
}

void Journal::on_instance(const engine::InstanceInfo& info) noexcept {
  RecordWriter(*this, JournalOp::kInstance)
      .number(info.id).optional(info.class_id).number(info.kind).number(info.flags).number(info.address);
}

void Journal::on_context(const engine::ContextInfo& info) noexcept {
  RecordWriter(*this, JournalOp::kContext)
      .number(info.id).optional(info.parent).number(info.kind).number(info.tid).bytes(info.name, info.name_length);
}

void Journal::on_stack(engine::StackId id, const engine::Site* frames, unsigned count) noexcept {
  RecordWriter record(*this, JournalOp::kStack);
  record.number(id);
  count = record.count(count, kMaxFramesKept);
  for (unsigned i = 0; i < count; ++i) record.difference(frames[i], i == 0 ? 0 : frames[i - 1]);
}

void Journal::on_dependency(const engine::DependencyInfo& info) noexcept {
  RecordWriter(*this, JournalOp::kDependency).number(info.id).number(info.from).number(info.to);
}

void Journal::on_witness(const engine::WitnessInfo& info) noexcept {
  RecordWriter record(*this, JournalOp::kWitness);
  record.number(info.dependency).number(info.origin).number(info.from_mode).number(info.to_mode).number(info.flags)
      .optional(info.context).optional(info.from).optional(info.to).number(info.from_site).number(info.to_site)
      .number(info.to_stack).optional(info.waiter).number(info.wait_site).number(info.wait_stack)
      .number(info.release_stack).number(info.ordinal);
  record.held(info.held, info.held_count);
}

void Journal::on_finding(const engine::FindingInfo& info) noexcept {
  RecordWriter record(*this, JournalOp::kFinding);
  record.number(info.id).number(info.check).number(info.verdict).number(info.reason)
      .number(info.reason_site[0]).number(info.reason_site[1]).optional(info.reason_instance)
      .optional(info.context).optional(info.instance).number(info.mode).number(info.site).number(info.stack)
      .number(info.at_commit).optional(info.other).number(info.range_begin).number(info.range_end);
  record.held(info.held, info.held_count);
  const std::uint32_t count = record.count(info.link_count, kMaxLinks);
  for (std::uint32_t i = 0; i < count; ++i) record.number(info.links[i].dependency).number(info.links[i].witness);
  record.optional(info.reason_context);
}

void Journal::finish(const engine::Losses& losses, std::uint64_t requests) noexcept {
  RecordWriter(*this, JournalOp::kFinish)
      .number(losses.memory).number(losses.events).number(losses.unmatched).number(losses.budget)
      .number(requests).number(lost());
}

}  // namespace crossdep::record
