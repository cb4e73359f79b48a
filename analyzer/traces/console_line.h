// SPDX-License-Identifier: MIT
//
// Takes a line of a kernel log out of what stands before it: `<4>`, `[    6.749450] `, the caller `[  T123] ` or
// `[    C0] ` of CONFIG_PRINTK_CALLER, syslog's `Nov 27 10:00:00 host kernel: `, journald's and a CI's ISO time, the records
// of /dev/kmsg, the forms of `dmesg -T -x -d -e`, of logcat and of phones' kernels, colours. Blanks that belong to the text
// stay.
//
// Threading: pure functions.  Allocation: only where colours are taken out.
#pragma once

#include <string>
#include <string_view>

namespace crossdep::traces {

struct ConsoleLine {
  std::string_view text;
  std::string_view caller;       // "T123", "C0", empty if none is printed
  bool prefixed = false;         // something stood before it: a message begins here
};

/// `scratch` holds the line if it had to be changed; the result may point there.
ConsoleLine parse_console_line(std::string_view line, std::string& scratch);

}  // namespace crossdep::traces
