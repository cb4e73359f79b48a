// SPDX-License-Identifier: MIT
//
// Signals that would end the process by default: the graph is written before they do.
//
// Threading: watch_signals() at start-up.  Allocation: none.
#pragma once

namespace crossdep::runtime {

/// Takes every such signal whose disposition is the default. Does nothing under `crossdep run`, which needs no help.
void watch_signals() noexcept;

}  // namespace crossdep::runtime
