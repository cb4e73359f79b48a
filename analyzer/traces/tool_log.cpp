// SPDX-License-Identifier: MIT
//
// See tool_log.h. Each reader is shown every line and takes what is its own.
#include "traces/tool_log.h"

#include <algorithm>
#include <cstring>

#include "traces/console_line.h"
#include "traces/kernel_log.h"
#include "traces/log_text.h"
#include "traces/splat.h"
#include "traces/tsan_log.h"
#include "traces/valgrind_log.h"

namespace crossdep::traces {

Status read_tool_log(LineSource& source, const std::string& file, PrintedConsumer& consumer) {
  KernelLog kernel(consumer);
  TsanLog tsan(consumer);
  ValgrindLog valgrind(consumer);
  LogText text([&](std::string_view line, std::uint64_t number) {
    kernel.line(line, number);
    tsan.line(line, number);
    valgrind.line(line, number);
  });
  std::string_view line;
  while (source.next(line)) text.line(line, source.line_number());
  text.finish();
  kernel.finish();
  tsan.finish();
  valgrind.finish();
  if (source.error() != 0)
    return Status::at_line(Status::Outcome::kPartial, file, source.line_number(), std::string("cannot be read on: ") + std::strerror(source.error()));
  for (const std::uint64_t cut : {kernel.cut_at(), tsan.cut_at(), valgrind.cut_at()})
    if (cut != 0) return Status::at_line(Status::Outcome::kPartial, file, cut, "the log ends before the report that begins here does");
  return {};
}

bool looks_like_tool_log(std::string_view line) {
  if (line.find("WARNING: ThreadSanitizer: ") != std::string_view::npos || line.find("== Helgrind, ") != std::string_view::npos ||
      line.find("== drd, ") != std::string_view::npos)
    return true;
  std::string scratch;
  const std::string_view text = parse_console_line(without_quoting(line), scratch).text;
  const SplatKind kind = splat_kind(text.substr(std::min(text.find_first_not_of(' '), text.size())));
  return kind != SplatKind::kNone && kind != SplatKind::kWarning && kind != SplatKind::kSleeping;
}

}  // namespace crossdep::traces
