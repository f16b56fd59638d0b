// Which e-mails, or events of e-mails, a list or a stream shows: the query's `to`, `from`, `subject`, `tag`, `run`, `message_id`,
// `key`, `q`, `status`, `environment`, `since` and `until`, all of which have to fit. Pure.
#pragma once

#include "api/api.h"
#include "core/event.h"
#include "core/result.h"
#include "store/runs.h"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace postern::api {

// What `last_event` of an e-mail can be, a blank between two.
inline constexpr std::string_view kLastEvents =
    "scheduled queued delivery_delayed delivered bounced complained failed suppressed canceled";

// What an e-mail has from its beginning to its end.
inline constexpr std::array<Parameter, 9> kMailParameters = {{
    {.name = "to", .description = "Only those to this address: one of the envelope's recipients, without regard to letter case."},
    {.name = "from", .description = "Only those from this address, without regard to letter case."},
    {.name = "subject", .description = "Only those whose subject holds this, without regard to the case of ASCII letters."},
    {.name = "tag", .description = "Only those with a tag of this name; with `name:value`, of this value too."},
    {.name = "run", .description = "Only those of this test run."},
    {.name = "message_id", .description = "Only those with this Message-ID."},
    {.name = "key", .description = "Only those that were sent with this API key, by its id."},
    {.name = "q", .description = "Only those with this in an address, the subject or the Message-ID, without regard to the case of "
                                 "ASCII letters.", .least = 1, .most = 200},
    {.name = "environment", .description = "Only live or only test mail.", .values = "live test"},
}};
inline constexpr Parameter kSinceParameter{
    .name = "since", .description = "Only those that were accepted then or later: a date or a time.", .format = "date-time"};
inline constexpr Parameter kUntilParameter{
    .name = "until", .description = "Only those that were accepted before.", .format = "date-time"};
inline constexpr Parameter kStatusParameter{
    .name = "status", .description = "Only those with this `last_event`.", .values = kLastEvents};

// A date or a time that was given as `name`; nullopt: none was. InvalidArgument: neither.
Result<std::optional<Instant>> read_time_filter(const std::optional<std::string_view>& text, std::string_view name);

class EmailFilter {
 public:
  // What was given under a name; nullopt: nothing.
  using Given = std::function<std::optional<std::string_view>(std::string_view name)>;
  // InvalidArgument: a value that nothing can have.
  static Result<EmailFilter> read(const Given& given);
  static Result<EmailFilter> read(const ApiRequest& request);

  bool wants(const store::StoredMessage& stored) const;
  // For events; `environment` and `status` are not looked at. Of an event that is about one recipient, `to` has to be that one.
  // `stored` is the event's message; null: its record is gone, or it has none, and what only that tells does not fit.
  bool wants(const Event& event, const store::StoredMessage* stored) const;
  // Some events may not fit by that.
  bool asks_for_message() const { return to_ || asks_for_content(); }
  // Some e-mails may not fit.
  bool is_selective() const { return asks_for_message() || status_ || environment_ || since_; }
  // A list from the newest to the oldest begins behind this one; nullopt: with the newest of all.
  std::optional<MessageId> newest() const;
  // Neither this nor what is older can fit.
  bool is_too_old(const store::MessageRecord& message) const;
  // It has an index.
  const std::optional<std::string>& run() const { return run_; }

 private:
  bool asks_for_content() const { return from_ || subject_ || tag_ || run_ || message_id_ || key_ || text_; }
  bool has_content(const store::MessageRecord& message) const;

  std::optional<std::string> to_;    // in lower case, normalised
  std::optional<std::string> from_;  // the same
  std::optional<std::string> subject_;  // in lower case
  std::optional<std::string> tag_;
  std::optional<std::string> run_;
  std::optional<std::string> message_id_;  // without angle brackets
  std::optional<KeyId> key_;
  std::optional<std::string> text_;  // in lower case
  std::optional<Instant> since_;
  std::optional<Instant> until_;
  std::optional<std::string> status_;
  std::optional<Environment> environment_;
};

}  // namespace postern::api
