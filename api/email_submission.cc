#include "api/email_submission.h"

#include "core/bytes.h"
#include "core/check.h"
#include "core/time_format.h"

#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>

#include <algorithm>
#include <cstring>

namespace postern::api {
namespace {

namespace json = boost::json;

// What the spool takes before it has to be waited for.
constexpr std::size_t kPieceOctets = store::kChunkOctets;

// Recipients between two turns of the other connections: each is a look-up or two of the directory.
constexpr std::size_t kJudgedAtOnce = 50;

bool needs_smtputf8(const EmailRequest& request) {
  const auto needs = [](const mime::NamedMailbox& address) { return address.mailbox.needs_smtputf8(); };
  const mime::OutgoingMail& mail = request.mail;
  const bool path_needs = request.reverse_path && request.reverse_path->needs_smtputf8();
  return path_needs || needs(mail.from) || (mail.sender && needs(*mail.sender)) || std::ranges::any_of(mail.to, needs) ||
         std::ranges::any_of(mail.cc, needs) || std::ranges::any_of(mail.reply_to, needs) ||
         std::ranges::any_of(request.recipients, &Mailbox::needs_smtputf8);
}

// "in 600 s", or the time: said again, it is the same.
std::string text_of(const Hold& hold) {
  const auto* const seconds = std::get_if<std::chrono::seconds>(&hold);
  return seconds ? "in " + std::to_string(seconds->count()) + " s" : format_rfc3339(std::get<Instant>(hold));
}

auth::Sha256Digest fingerprint_of(const PreparedEmail& email) {
  auth::Sha256 hash;
  hash.update_field(format_path(email.request.reverse_path));
  const Notify& notify = email.request.notify;
  const char flags[] = {notify.is_given ? '1' : '0', notify.never ? '1' : '0', notify.success ? '1' : '0',
                        notify.failure ? '1' : '0', notify.delay ? '1' : '0'};
  hash.update_field(std::string_view(flags, sizeof flags));
  for (const Mailbox& recipient : email.request.recipients) hash.update_field(format_mailbox(recipient));
  hash.update_field(email.content);
  if (email.request.hold) hash.update_field(text_of(*email.request.hold));
  return hash.finish();
}

submission::Submitter submitter_of(const ApiRequest& request, std::string run) {
  POSTERN_CHECK(request.caller.key.has_value());
  submission::Submitter submitter;
  submitter.door = submission::Door::Http;
  submitter.key = request.caller.key->key;
  submitter.address = request.peer;
  submitter.port = request.peer_port;
  submitter.user_name = std::move(run);
  return submitter;
}

}  // namespace

std::variant<PreparedEmail, EmailFault> prepare_email(const json::value& body, const EmailLimits& limits,
                                                        std::uint64_t max_message_octets) {
  auto parsed = parse_email_request(body, limits);
  if (auto* fault = std::get_if<EmailFault>(&parsed)) return std::move(*fault);
  PreparedEmail email;
  email.request = std::move(std::get<EmailRequest>(parsed));
  email.content = mime::compose_mail(email.request.mail);
  if (email.content.size() > max_message_octets) {
    return EmailFault{Refusal::MessageTooBig, "with its attachments encoded the message is bigger than " +
                                                    std::to_string(max_message_octets) + " octets"};
  }
  // Composed: they are not needed any more, and may be big.
  email.request.mail.attachments.clear();
  email.has_high_octets = has_high_octet(email.content);
  email.fingerprint = fingerprint_of(email);
  return email;
}

std::variant<std::optional<std::string>, EmailFault> idempotency_key_of(const ApiRequest& request) {
  const bool is_there = std::ranges::any_of(request.headers, [](const auto& field) { return field.first == "idempotency-key"; });
  if (!is_there) return std::optional<std::string>();
  const std::string_view key = request.header("idempotency-key");
  if (key.empty() || key.size() > submission::kMaxIdempotencyKeyOctets) {
    return EmailFault{ApiProblem::ValidationError, "Idempotency-Key: 1 to 256 octets"};
  }
  return std::optional<std::string>(key);
}

EmailSubmission::EmailSubmission(ApiContext& context, const ApiRequest& request, PreparedEmail email)
    : request_(request),
      email_(std::move(email)),
      submitter_(submitter_of(request, email_.request.run)),
      transaction_(context.submission, submitter_) {
  envelope_.reverse_path = email_.request.reverse_path;
  envelope_.parameters.smtputf8 = needs_smtputf8(email_.request);
  envelope_.parameters.body = email_.has_high_octets ? BodyType::EightBitMime : BodyType::SevenBit;
  transaction_.set_summary(email_.request.summary);
}

void EmailSubmission::set_idempotency_key(std::string_view key, const auth::Sha256Digest& fingerprint) {
  transaction_.set_idempotency_key(submission::header_idempotency_key(key), fingerprint);
  has_key_ = true;
}

net::Awaitable<std::optional<DecisionProblem>> EmailSubmission::judge(std::uint32_t rate_messages) {
  const Decision sender = transaction_.judge_sender(envelope_.reverse_path, email_.request.hold, rate_messages);
  if (!sender.is_accepted()) co_return problem_of(sender);
  if (has_key_) {
    // Before the recipients: a replay is answered even where the message itself used the quota up.
    const std::optional<Decision> replay = co_await transaction_.find_replay();
    if (replay && !replay->is_accepted()) co_return problem_of(*replay);
    if (replay) co_return std::nullopt;
  }
  auto problem = co_await judge_recipients();
  co_return problem;
}

net::Awaitable<std::optional<DecisionProblem>> EmailSubmission::judge_recipients() {
  for (const Mailbox& mailbox : email_.request.recipients) {
    if (!recipients_.empty() && recipients_.size() % kJudgedAtOnce == 0) co_await net::asio::post(net::kAwait);
    const Recipient recipient{mailbox, email_.request.notify, {}};
    if (!transaction_.is_quota_known()) co_await transaction_.await_quota();
    const Decision decision = transaction_.judge_recipient(recipient);
    JudgedRecipient& judged = recipients_.emplace_back(JudgedRecipient{mailbox, std::nullopt});
    if (decision.is_accepted()) {
      envelope_.recipients.push_back(recipient);
    } else {
      judged.problem = problem_of(decision);
    }
  }
  if (envelope_.recipients.empty()) co_return recipients_.front().problem;
  co_return std::nullopt;
}

net::Awaitable<std::optional<DecisionProblem>> EmailSubmission::send() {
  if (is_replay()) co_return std::nullopt;
  const char* const protocol = request_.tls.empty() ? "HTTP" : "HTTPS";
  const Decision opened =
      transaction_.open(envelope_, {.helo_name = {}, .protocol = protocol, .tls = request_.tls});
  if (!opened.is_accepted()) co_return problem_of(opened);
  std::string_view rest = email_.content;
  while (!rest.empty()) {
    const std::string_view piece = rest.substr(0, kPieceOctets);
    rest.remove_prefix(piece.size());
    const bool has_room = transaction_.sink().append(piece);
    if (!has_room) co_await transaction_.drain();
  }
  const Decision committed = co_await transaction_.commit();
  if (!committed.is_accepted()) co_return problem_of(committed);
  co_return std::nullopt;
}

json::object EmailSubmission::answer() const {
  POSTERN_CHECK(transaction_.accepted_as().has_value());
  json::object answer;
  answer["id"] = format_message_id(transaction_.accepted_as()->id);
  if (std::ranges::none_of(recipients_, [](const JudgedRecipient& judged) { return judged.problem.has_value(); })) return answer;
  json::array verdicts;
  for (const JudgedRecipient& judged : recipients_) {
    json::object verdict;
    verdict["email"] = format_mailbox(judged.mailbox);
    verdict["status"] = judged.problem ? "refused" : "accepted";
    if (judged.problem) add_problem(verdict, *judged.problem);
    verdicts.push_back(std::move(verdict));
  }
  answer["recipients"] = std::move(verdicts);
  return answer;
}

}  // namespace postern::api
