// SPDX-License-Identifier: MIT
//
// Takes off a log what the way it came has put on: a mail's encoding (quoted-printable, no-break blanks), its quoting (`> `,
// `>> > `, `| `, `PM> `), the entities of a web page (`&amp;`), syslog's `#012` for a line's end, the `[...] ` of commit
// messages. What is left is the log as the program wrote it; lines that a mailer broke are put together in line_joiner.h.
//
// Threading: one thread.  Allocation: one line.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace crossdep::traces {

class LogText {
 public:
  using Out = std::function<void(std::string_view line, std::uint64_t number)>;

  explicit LogText(Out out) : out_(std::move(out)) {}

  void line(std::string_view line, std::uint64_t number);
  /// The log is over: what waits for the rest of its line comes out.
  void finish();

 private:
  void whole(std::string_view line, std::uint64_t number);

  Out out_;
  bool encoded_ = false;             // quoted-printable
  std::string encoded_line_;         // up to a soft line break
  std::uint64_t encoded_number_ = 0;
  std::string scratch_;
};

/// The line without a mail's quoting.
std::string_view without_quoting(std::string_view line);

}  // namespace crossdep::traces
