// postern message …
#include "app/commands.h"

#include "api/email_filter.h"
#include "api/record_json.h"
#include "app/message_text.h"
#include "core/event.h"
#include "core/time_format.h"
#include "events/event_json.h"

#include <algorithm>
#include <map>

namespace postern::app {
namespace {

constexpr std::size_t kMostCounted = 100'000;  // of those that are not shown: a second of reading

struct Filter {
  std::optional<AccountId> account;  // the spool has an index of them: not for matches()
  std::optional<std::string> user_name;
  std::optional<store::RecipientStage> stage;
  api::EmailFilter mail;  // empty: all fits

  bool matches(const store::StoredMessage& stored) const {
    if (user_name && stored.message.user_name != *user_name) return false;
    if (!mail.wants(stored)) return false;
    return !stage || std::ranges::any_of(stored.delivery.recipients,
                                         [&](const auto& recipient) { return recipient.stage == *stage; });
  }
};

Result<Filter> make_filter(CommandContext& context, const MessageListOptions& options) {
  Filter filter;
  if (!options.run.empty()) filter.user_name = options.run;
  if (!options.account.empty()) {
    const auto account = context.find_account(options.account);
    if (!account) return account.error();
    filter.account = account->id;
  }
  if (!options.stage.empty()) {
    filter.stage = parse_stage(options.stage);
    if (!filter.stage) {
      return Error(ErrorCode::InvalidArgument, "not a stage: " + printable(options.stage) +
                                                   "; pending, delivered, bounced, expired, suppressed, cancelled or complained");
    }
  }
  return filter;
}

// "2h" before now, a date or a time, as HTTP has it.
Result<std::string> read_moment(std::string_view text, Instant now) {
  if (const auto age = parse_duration(text)) return format_rfc3339(now - *age);
  const auto instant = parse_date_time(text);
  const auto day = instant ? instant : parse_rfc3339(text);
  if (day) return format_rfc3339(*day);
  return Error(ErrorCode::InvalidArgument,
               "not a time: " + printable(text) + "; write 2h (ago), 2027-01-31 or 2027-01-31T09:30:00Z");
}

// A key that was deleted is named by its whole id.
Result<std::string> read_key(CommandContext& context, const std::string& text) {
  const auto key = context.find_key(text);
  if (key) return format_id(key->id);
  if (parse_key_id(text)) return text;
  return key.error();
}

Result<api::EmailFilter> make_mail_filter(CommandContext& context, const MessageSearchOptions& options) {
  std::map<std::string, std::string, std::less<>> given = {{"q", options.text},       {"to", options.to},
                                                           {"from", options.from},    {"subject", options.subject},
                                                           {"tag", options.tag},      {"message_id", options.message_id},
                                                           {"status", options.status}, {"environment", options.environment}};
  const Instant now = context.clock().now();
  for (const auto& [name, text] : {std::pair("since", &options.since), std::pair("until", &options.until)}) {
    if (text->empty()) continue;
    const auto moment = read_moment(*text, now);
    if (!moment) return moment.error();
    given[name] = *moment;
  }
  if (!options.key.empty()) {
    const auto key = read_key(context, options.key);
    if (!key) return key.error();
    given["key"] = *key;
  }
  return api::EmailFilter::read([&given](std::string_view name) -> std::optional<std::string_view> {
    const auto found = given.find(name);
    if (found == given.end() || found->second.empty()) return std::nullopt;
    return found->second;
  });
}

// At most `limit`, the newest first.
Result<void> print_messages(CommandContext& context, const Filter& filter, std::optional<MessageId> before, std::size_t limit) {
  json::array values;
  std::vector<std::vector<std::string>> rows;
  std::size_t more = 0;
  const auto visited = for_each_message(context.spool(), filter.account, before, [&](const store::StoredMessage& stored) {
    if (filter.mail.is_too_old(stored.message)) return false;
    if (!filter.matches(stored)) return true;
    if (values.size() >= limit) return ++more < kMostCounted;
    values.emplace_back(message_value(context, stored));
    rows.push_back(message_row(context, stored));
    return true;
  });
  if (!visited) return visited.error();
  context.print(values, format_table(message_titles(), rows));
  if (more > 0) context.tell_more(more, more == kMostCounted);
  return {};
}

Result<store::StoredMessage> latest_message(CommandContext& context) {
  auto newest = context.spool().list(std::nullopt, 1);
  if (!newest) return newest.error();
  if (newest->empty()) return Error(ErrorCode::NotFound, "there is no message yet");
  return std::move(newest->front());
}

Result<void> print_content(CommandContext& context, const store::StoredMessage& stored) {
  for (std::uint32_t i = 0; i < stored.message.chunk_count; ++i) {
    const auto chunk = context.spool().read_chunk(stored.message.id, i);
    if (!chunk && chunk.error().code() == ErrorCode::NotFound) {
      return Error(ErrorCode::NotFound, "the content of this message is not kept any more");
    }
    if (!chunk) return chunk.error();
    if (i == 0) context.out() << stored.message.signature_fields;
    context.out() << *chunk;
  }
  return {};
}

json::value event_value(const Event& event) {
  return json::object{{"at", api::instant_json(event.at)},
                     {"type", events::event_wire_name(event.type)},
                     {"recipient", event.recipient},
                     {"status", event.status.code == 0 ? json::value() : json::value(format_status(event.status))},
                     {"detail", event.detail}};
}

std::string events_text(const std::vector<Event>& events) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(events.size());
  for (const auto& event : events) {
    rows.push_back({format_time(event.at), std::string(events::event_wire_name(event.type)), event.recipient,
                    event.status.code == 0 ? "-" : format_status(event.status), event.detail});
  }
  return "\n" + format_table({"TIME (UTC)", "EVENT", "RECIPIENT", "STATUS", "DETAIL"}, rows);
}

}  // namespace

Result<void> list_messages(CommandContext& context, const MessageListOptions& options) {
  const auto filter = make_filter(context, options);
  if (!filter) return filter.error();
  std::optional<MessageId> before;
  if (!options.before.empty()) {
    const auto stored = context.find_message(options.before);
    if (!stored) return stored.error();
    before = stored->message.id;
  }
  return print_messages(context, *filter, before, options.limit);
}

Result<void> search_messages(CommandContext& context, const MessageSearchOptions& options) {
  auto filter = make_filter(context, options.list);
  if (!filter) return filter.error();
  auto mail = make_mail_filter(context, options);
  if (!mail) return mail.error();
  filter->mail = std::move(*mail);
  return print_messages(context, *filter, filter->mail.newest(), options.list.limit);
}

Result<void> show_message(CommandContext& context, const MessageShowOptions& options) {
  if (options.message.empty() && !options.is_latest) {
    return Error(ErrorCode::InvalidArgument, "name a message, or say --latest");
  }
  const auto stored = options.is_latest ? latest_message(context) : context.find_message(options.message);
  if (!stored) return stored.error();
  if (options.shows_content) return print_content(context, *stored);
  json::object value = message_value(context, *stored);
  std::string text = message_text(context, *stored);
  if (options.shows_events) {
    const auto events = context.spool().events_of(stored->message.id);
    if (!events) return events.error();
    json::array values;
    for (const auto& event : *events) values.push_back(event_value(event));
    value["events"] = std::move(values);
    text += events_text(*events);
  }
  context.print(value, text);
  return {};
}

}  // namespace postern::app
