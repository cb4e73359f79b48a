// SPDX-License-Identifier: MIT
//
// A libFuzzer target for one recorded format, CROSSDEP_FUZZ_FORMAT (a traces::Format): the bytes are read as that format
// whatever they begin with, and go the whole way, through the validator and the engine. Nothing may crash, hang, leak or
// grow, and the engine's invariants hold afterwards.
//
// Threading: one thread.  Allocation: one file in memory for all inputs.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "../no_sink.h"
#include "traces/open.h"
#include "traces/replay.h"
#include "traces/validator.h"

using namespace crossdep;
using tests::NoSink;

namespace {

bool fill(int file, const std::uint8_t* data, std::size_t size) {
  if (::ftruncate(file, 0) != 0 || ::lseek(file, 0, SEEK_SET) != 0) return false;
  for (std::size_t done = 0; done < size;) {
    const ssize_t put = ::write(file, data + done, size - done);
    if (put <= 0) return false;
    done += static_cast<std::size_t>(put);
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int file = ::memfd_create("fuzz", MFD_CLOEXEC);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (traces::Unpacker::program_for(bytes) != nullptr || !fill(file, data, size)) return 0;   // not to fuzz xz

  traces::TraceFile trace;
  if (!trace.open("/proc/self/fd/" + std::to_string(file), traces::Format::CROSSDEP_FUZZ_FORMAT).ok()) return 0;
  NoSink sink;
  traces::Replay replay(sink);
  traces::Validator validator(replay, traces::ValidatorRules::of(trace.format()), trace.name(), trace.position_unit());
  std::string told;
  validator.on_warning = [&told](const std::string& line) { told = line; };
  const traces::Status status = trace.read_events(validator);
  replay.finish();
  if (!replay.engine().check_invariants() || (!status.ok() && status.cause.empty())) std::abort();
  return 0;
}
