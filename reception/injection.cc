#include "reception/injection.h"

#include "core/operator_log.h"
#include "core/time_format.h"
#include "reception/received_message.h"
#include "reception/synced.h"
#include "smtp/trace_header.h"

#include <algorithm>
#include <utility>

namespace postern::reception {
namespace {

constexpr std::size_t kAppendOctets = 64 * 1024;  // between two looks at whether there is room

Addressee addressee_of(const Injection& injection) {
  const store::InboundRoute& route = injection.route;
  Addressee addressee{.account = injection.domain.account, .is_kept = route.action != store::RouteAction::Drop};
  if (route.action == store::RouteAction::Webhook) addressee.told_by = route.id;
  if (route.action == store::RouteAction::Forward) {
    addressee.forwards.push_back({.route = route.id,
                                  .recipient = format_mailbox(injection.recipient),
                                  .destination = route.destination,
                                  .message = {}});
  }
  return addressee;
}

Result<void> write_all(store::MessageWriter& writer, std::string_view content) {
  for (; !content.empty(); content.remove_prefix(std::min(content.size(), kAppendOctets))) {
    if (writer.append(content.substr(0, kAppendOctets))) continue;
    const Result<void> drained = wait_for_sync([&](Completion done) { writer.drain(std::move(done)); });
    if (!drained) return drained;
  }
  return {};
}

}  // namespace

Result<MessageId> inject(const ReceptionContext& context, const Injection& injection) {
  const Instant at = context.clock.now();
  const MessageId id = make_message_id(at, context.random);
  const Addressee addressee = addressee_of(injection);
  if (!addressee.is_kept) return id;
  store::Spool& spool = context.store.spool();
  if (const auto room = spool.can_accept(); !room) return room.error();
  const std::string name = format_message_id(id);
  std::string trace = "Return-Path: " + format_path(injection.reverse_path) + "\r\n";
  trace += smtp::format_trace_header({.client = {}, .hostname = context.settings.hostname, .protocol = "HTTP",
                                      .message_id = name, .tls = {}, .at = at});
  const std::string content = "Date: " + format_rfc5322_date(at) + "\r\nMessage-ID: <" + name + "@" + context.settings.hostname +
                              ">\r\n" + injection.content;
  mime::HeaderScan header;
  header.feed(content);
  header.finish();
  Envelope envelope;
  envelope.reverse_path = injection.reverse_path;
  envelope.recipients.push_back({.mailbox = injection.recipient, .notify = {}, .orcpt = {}});
  std::unique_ptr<store::MessageWriter> writer = spool.open_message(id, addressee.account);
  if (const Result<void> written = write_all(*writer, trace + content); !written) return written.error();
  DoorVerdict unchecked;
  unchecked.verdicts = {.spf = "none", .spf_domain = {}, .dkim = "none", .signers = {}, .dmarc = "none", .author_domain = {},
                        .asked_for = "none", .arc = "none", .suspicion = {}};
  const std::vector<std::string> told_by = {addressee.told_by};
  store::NewMessage message = received_message(context, {.id = id,
                                                         .at = at,
                                                         .addressee = addressee,
                                                         .envelope = envelope,
                                                         .header = header,
                                                         .told_by = told_by,
                                                         .door = unchecked,
                                                         .trace_octets = static_cast<std::uint32_t>(trace.size())});
  const bool is_unread = message.inbound->is_unread();
  const Result<void> committed =
      wait_for_sync([&](Completion done) { spool.commit(std::move(writer), std::move(message), std::move(done)); });
  if (!committed) return committed.error();
  operator_log::message_received(id, addressee.account, std::nullopt, 1);
  context.taken_in(is_unread);
  return id;
}

}  // namespace postern::reception
