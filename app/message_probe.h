// What the checks of mail that arrives (provenance/) say of a message in a file, asked of the DNS now.
#pragma once

#include "app/settings.h"
#include "core/result.h"
#include "provenance/message_check.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace postern::app {

struct MessageProbe {
  provenance::MessageVerdicts verdicts;
  std::string field;                  // Authentication-Results as we would write it
  std::vector<std::string> forged{};  // values of those in the message that bear our name
};

// `content`: lines ending with CR LF. Without a client SPF is not asked. Blocks until it is done; ResolveFailed,
// ConnectionTimedOut.
Result<MessageProbe> probe_message(const Settings& settings, const std::string& content, provenance::SpfSubject subject,
                                   bool has_client, std::chrono::seconds limit);

}  // namespace postern::app
