// Plays a dialogue over a real connection, whole or up to a line.
#pragma once

#include "tests/support/dialog.h"
#include "tests/support/test_client.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace postern::test {

struct WireTranscript {
  std::vector<std::string> problems;  // "file:12: expected …, got …"
  std::string sent;                   // everything the client sent
};

// Plays the first `lines` lines. Handshakes where the dialogue starts TLS. Questions and contents are not the wire's concern.
WireTranscript play_on_wire(const Dialog& dialog, TestClient& client, std::size_t lines);

// The dialogues of a folder that the wire can play, and a name for the test of each.
std::vector<std::string> find_wire_dialogs(const std::string& folder);
std::string name_of_dialog(const testing::TestParamInfo<std::string>& info);

}  // namespace postern::test
