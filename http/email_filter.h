// Which e-mails a list shows: the query's `to`, `from`, `subject`, `tag`, `run`, `message_id`, `status` and `environment`, all of
// which have to fit. Pure.
#pragma once

#include "core/result.h"
#include "http/api.h"
#include "store/records.h"

#include <array>
#include <optional>
#include <string>

namespace postern::http {

// What `last_event` of an e-mail can be, a blank between two.
inline constexpr std::string_view kLastEvents = "queued delivery_delayed delivered bounced complained failed suppressed canceled";

inline constexpr std::array<Parameter, 8> kEmailFilterParameters = {{
    {.name = "to", .description = "Only those to this address: one of the envelope's recipients, without regard to letter case."},
    {.name = "from", .description = "Only those from this address, without regard to letter case."},
    {.name = "subject", .description = "Only those whose subject holds this, without regard to the case of ASCII letters."},
    {.name = "tag", .description = "Only those with a tag of this name; with `name:value`, of this value too."},
    {.name = "run", .description = "Only those of this test run."},
    {.name = "message_id",
     .description = "Only those with this Message-ID. A client's own one is known while the content is kept."},
    {.name = "status", .description = "Only those with this `last_event`.", .values = kLastEvents},
    {.name = "environment", .description = "Only live or only test mail.", .values = "live test"},
}};

class EmailFilter {
 public:
  // InvalidArgument: a value that nothing can have.
  static Result<EmailFilter> read(const ApiRequest& request);

  bool wants(const store::StoredMessage& stored) const;
  // Some e-mails may not fit.
  bool is_selective() const;
  // What wants() does not look at: only the content tells it. Without angle brackets.
  const std::optional<std::string>& message_id() const { return message_id_; }

 private:
  std::optional<std::string> to_;    // in lower case, normalised
  std::optional<std::string> from_;  // the same
  std::optional<std::string> subject_;  // in lower case
  std::optional<std::string> tag_;
  std::optional<std::string> run_;
  std::optional<std::string> message_id_;
  std::optional<std::string> status_;
  std::optional<Environment> environment_;
};

// "<id@domain>" → "id@domain".
std::string without_angle_brackets(std::string_view id);

// The run that a message belongs to; empty: none.
std::string_view run_of(const store::MessageRecord& message);

}  // namespace postern::http
