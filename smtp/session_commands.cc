// A function a verb: legal now (the table), well formed (the parsers), then a reply or one question.
#include "core/bytes.h"
#include "smtp/capabilities.h"
#include "smtp/limits.h"
#include "smtp/parameters.h"
#include "smtp/session_impl.h"

#include <algorithm>

namespace postern::smtp {
namespace {

bool is_acceptable_helo(std::string_view name) {
  if (name.empty() || name.size() > kMaxHeloOctets) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

bool Session::Impl::is_in_order(const VerbRow& row) {
  if (!row.before_ehlo && !is_greeted) return say(replies::k503_5_5_1_bad_sequence), false;
  if (!row.before_auth && !is_authenticated) return say(refusal_status(Refusal::AuthRequired)), false;
  if (!row.in_transaction && transaction) return say(replies::k503_5_5_1_bad_sequence), false;
  return true;
}

void Session::Impl::run_command(std::string_view line) {
  const Command command = parse_command(line);
  const VerbRow& row = *command.row;
  if (row.verb == Verb::NotSmtp) return hang_up(replies::k502_5_5_1_not_smtp);
  if (row.verb == Verb::Unknown) return say(replies::k500_5_5_1_unknown_command);
  if (row.verb == Verb::NotOffered) return say(replies::k502_5_5_1_not_offered);
  stage = row.name;
  if (!is_in_order(row)) return;
  if (!row.takes_argument && !command.argument.empty()) return say(replies::k501_5_5_4_bad_argument);
  if (row.is_junk && ++junk_ > config.max_junk) return hang_up(replies::k421_4_7_0_too_much_junk);

  switch (row.verb) {
    case Verb::Ehlo: return say_hello(command, true);
    case Verb::Helo: return say_hello(command, false);
    case Verb::StartTls: return start_tls();
    case Verb::Auth: return authenticate(command.argument);
    case Verb::Mail: return mail(command.argument);
    case Verb::Rcpt: return rcpt(command.argument);
    case Verb::Data: return data();
    case Verb::Rset:
      end_transaction();
      return say(replies::k250_2_0_0_ok);
    case Verb::Noop: return say(replies::k250_2_0_0_ok);
    case Verb::Help: return say(replies::k214_2_0_0_help);
    case Verb::Vrfy: return say(command.argument.empty() ? replies::k501_5_5_4_bad_argument : replies::k252_2_1_5_cannot_verify);
    case Verb::Quit:
      say(replies::k221_2_0_0_bye);
      return end_session("QUIT", true);
    case Verb::NotOffered:
    case Verb::NotSmtp:
    case Verb::Unknown: return;
  }
}

void Session::Impl::say_hello(const Command& command, bool is_ehlo) {
  if (!is_acceptable_helo(command.argument)) return say(replies::k501_5_5_4_bad_argument);
  // RFC 5321 §4.1.4: EHLO is also RSET.
  end_transaction();
  helo_name = std::string(command.argument);
  said_ehlo = is_ehlo;
  is_greeted = true;
  if (is_ehlo) return append_multiline_reply(output, 250, capabilities(config, tls.has_value(), is_authenticated));
  append_multiline_reply(output, 250, {config.hostname});
}

void Session::Impl::start_tls() {
  if (config.tls != TlsMode::StartTls) return say(replies::k502_5_5_1_not_offered);
  if (tls) return say(replies::k503_5_5_1_bad_sequence);
  say(replies::k220_2_0_0_ready_for_tls);
  asked = StartTls{};
}

void Session::Impl::authenticate(std::string_view argument) {
  if (is_authenticated) return say(replies::k503_5_5_1_bad_sequence);
  if (!may_authenticate(config, tls.has_value())) return say(refusal_status(Refusal::TlsRequired));
  const std::size_t space = argument.find(' ');
  const std::string_view mechanism = argument.substr(0, space);
  if (mechanism.empty()) return say(replies::k501_5_5_4_bad_argument);
  sasl = SaslExchange::start(mechanism);
  if (!sasl) return say(replies::k504_5_5_4_unknown_mechanism);
  const bool has_initial = space != std::string_view::npos;
  take_sasl(sasl->begin(has_initial ? std::optional(argument.substr(space + 1)) : std::nullopt));
}

void Session::Impl::run_auth_response(std::string_view line) { take_sasl(sasl->respond(line)); }

void Session::Impl::take_sasl(SaslOutcome outcome) {
  phase = Phase::Commands;
  if (const auto* challenge = std::get_if<SaslChallenge>(&outcome)) {
    output.append("334 ").append(challenge->base64).append("\r\n");
    phase = Phase::AuthResponse;
    return;
  }
  sasl.reset();
  if (auto* given = std::get_if<Credential>(&outcome)) {
    asked = Authenticate{std::move(*given)};
    return;
  }
  switch (std::get<SaslFailure>(outcome)) {
    case SaslFailure::Cancelled: return say(replies::k501_5_7_0_auth_cancelled);
    case SaslFailure::BadBase64: return say(replies::k501_5_5_2_bad_base64);
    case SaslFailure::WrongShape: return fail_authentication(refusal_status(Refusal::InvalidKey));
  }
}

void Session::Impl::take_auth_answer(const Verdict& verdict) {
  if (verdict.is_accepted()) {
    is_authenticated = true;
    return say(replies::k235_2_7_0_authenticated);
  }
  if (verdict.status().is_transient()) {
    say(verdict.status());
  } else {
    fail_authentication(verdict.status());
  }
  if (verdict.ends_session()) end_session("AUTH", true);
}

void Session::Impl::fail_authentication(const Status& status) {
  say(status);
  if (++auth_failures_ < config.max_auth_failures || is_closing) return;
  say(refusal_status(Refusal::TooManyFailures));
}

void Session::Impl::say_path_error(PathError error, Refusal syntax) {
  switch (error) {
    case PathError::Syntax:
    case PathError::TooLong: return say(refusal_status(syntax));
    case PathError::InvalidUtf8: return say(replies::k501_5_5_4_bad_argument);
    case PathError::Needs8BitSupport:
    case PathError::ForbiddenCharacter: return say(replies::k553_5_6_7_needs_smtputf8);
  }
}

void Session::Impl::mail(std::string_view argument) {
  const auto parsed = parse_mail_argument(argument);
  if (!parsed) return say(refusal_status(Refusal::InvalidSender));
  if (parsed->path.error) return say_path_error(*parsed->path.error, Refusal::InvalidSender);
  auto parameters = parse_mail_parameters(parsed->parameters);
  if (const auto* error = std::get_if<ParameterError>(&parameters)) {
    return say(*error == ParameterError::Unknown ? replies::k555_5_5_4_unknown_parameter : replies::k501_5_5_4_bad_parameter);
  }
  auto& given = std::get<EnvelopeParameters>(parameters);
  const auto& mailbox = parsed->path.mailbox;
  if (mailbox && mailbox->needs_smtputf8() && !given.smtputf8) return say(replies::k553_5_6_7_needs_smtputf8);
  // RFC 1870 §6.1: refused before the data travels.
  if (given.declared_size.value_or(0) > config.max_message_octets) return say(refusal_status(Refusal::MessageTooBig));
  transaction.emplace();
  transaction->envelope.reverse_path = mailbox;
  transaction->envelope.parameters = std::move(given);
  asked = JudgeSender{&transaction->envelope.reverse_path, &transaction->envelope.parameters};
}

void Session::Impl::take_sender_answer(const Verdict& verdict) {
  if (!verdict.is_accepted()) {
    transaction.reset();
    say(verdict.status());
    if (verdict.ends_session()) end_session("MAIL", true);
    return;
  }
  transaction->is_accepted = true;
  junk_ = 0;
  if (verdict.has_status()) return say(verdict.status());
  say(replies::k250_2_1_0_sender_ok);
}

void Session::Impl::rcpt(std::string_view argument) {
  if (!transaction) return say(replies::k503_5_5_1_bad_sequence);
  auto parsed = parse_rcpt_argument(argument);
  if (!parsed) return say(refusal_status(Refusal::InvalidRecipient));
  if (parsed->path.error) return say_path_error(*parsed->path.error, Refusal::InvalidRecipient);
  Recipient recipient{std::move(*parsed->path.mailbox), {}, {}};
  if (recipient.mailbox.domain.empty()) recipient.mailbox.domain = config.hostname;
  if (recipient.mailbox.needs_smtputf8() && !transaction->envelope.parameters.smtputf8) {
    return say(replies::k553_5_6_7_needs_smtputf8);
  }
  if (const auto error = parse_rcpt_parameters(parsed->parameters, recipient)) {
    return say(*error == ParameterError::Unknown ? replies::k555_5_5_4_unknown_parameter : replies::k501_5_5_4_bad_parameter);
  }
  if (transaction->envelope.recipients.size() >= config.max_recipients) return say(refusal_status(Refusal::TooManyRecipients));
  transaction->candidate = std::move(recipient);
  asked = JudgeRecipient{&transaction->candidate};
}

void Session::Impl::take_recipient_answer(const Verdict& verdict) {
  if (!verdict.is_accepted()) {
    say(verdict.status());
    if (verdict.ends_session()) end_session("RCPT", true);
    return;
  }
  transaction->envelope.recipients.push_back(std::move(transaction->candidate));
  if (verdict.has_status()) return say(verdict.status());
  say(replies::k250_2_1_5_recipient_ok);
}

void Session::Impl::data() {
  if (!transaction) return say(replies::k503_5_5_1_bad_sequence);
  if (transaction->envelope.recipients.empty()) return say(replies::k503_5_5_1_no_recipients);
  asked = OpenMessage{&transaction->envelope};
}

void Session::Impl::take_open_answer(const OpenAnswer& answer) {
  if (answer.refusal) {
    say(answer.refusal->status());
    if (!is_closing) end_transaction();
    if (answer.refusal->ends_session()) end_session("DATA", true);
    return;
  }
  transaction->sink = answer.sink;
  phase = Phase::Content;
  say(replies::k354_send_content);
}

void Session::Impl::take_commit_answer(const Verdict& verdict) {
  // Committed or refused, the product has let go of it.
  transaction->is_accepted = false;
  end_transaction();
  junk_ = 0;
  say(verdict.has_status() ? verdict.status() : to_status(replies::k250_2_0_0_ok));
  if (verdict.ends_session()) end_session("END-OF-DATA", true);
}

}  // namespace postern::smtp
