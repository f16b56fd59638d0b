#include "provenance/message_check.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace postern::provenance {
namespace {

using KeyAnswers = std::map<std::string, KeyAnswer>;

net::Awaitable<KeyAnswers> ask_for_keys(dns::Resolver& resolver, KeyAnswers wanted, dns::Limits limits) {
  const net::Executor executor = co_await net::asio::this_coro::executor;
  std::map<std::string, std::unique_ptr<dns::LookUp>> under_way;
  for (const auto& [name, unanswered] : wanted) {
    under_way[name] = std::make_unique<dns::LookUp>(executor, resolver, dns::Question{name, dns::Type::Txt}, limits);
  }
  for (auto& [name, look_up] : under_way) {
    dns::RawAnswer raw = co_await look_up->answer();
    const auto answer = dns::read_answer<dns::Txt>(std::move(raw));
    KeyAnswer& place = wanted[name];
    place.finding = answer.finding;
    for (const dns::Txt& text : answer.records) place.texts.push_back(text.text);
  }
  co_return wanted;
}

}  // namespace

std::size_t MessageCheck::append(std::string_view content) {
  std::size_t taken = 0;
  if (!has_begun_body_) {
    taken = header_.feed(content);
    content.remove_prefix(taken);
    if (header_.state() == mime::HeaderScan::State::Reading) return taken;
    begin_body();
  }
  append_body(content);
  return taken;
}

void MessageCheck::begin_body() {
  has_begun_body_ = true;
  if (header_.state() != mime::HeaderScan::State::Complete) return;
  signatures_ = read_dkim_signatures(header_);
  chain_ = read_arc(header_);
  const auto want = [&](const Signature& signature) {
    if (signature.fault) return;
    std::optional<BodyHash>& place = signature.body_form == Canonical::Relaxed ? relaxed_ : simple_;
    if (!place) place.emplace(signature.body_form);
  };
  for (const Signature& signature : signatures_) want(signature);
  if (chain_.is_there() && chain_.fault.empty()) want(chain_.newest);
  append_body(header_.body_start());
}

void MessageCheck::append_body(std::string_view body) {
  if (simple_) simple_->append(body);
  if (relaxed_) relaxed_->append(body);
}

void MessageCheck::finish_header() {
  if (has_begun_body_) return;
  header_.finish();
  begin_body();
}

BodyHashes MessageCheck::finish_body() {
  finish_header();
  BodyHashes hashes;
  if (simple_) {
    hashes.simple = simple_->finish();
    hashes.simple_octets = simple_->octets();
  }
  if (relaxed_) {
    hashes.relaxed = relaxed_->finish();
    hashes.relaxed_octets = relaxed_->octets();
  }
  return hashes;
}

net::Awaitable<MessageVerdicts> MessageCheck::judge(dns::Resolver& resolver, SpfVerdict spf, Instant now,
                                                    dns::Cancellation* cancellation) {
  const BodyHashes body = finish_body();
  KeyAnswers wanted;
  for (const Signature& signature : signatures_) {
    if (!signature.fault) wanted[signature.key_name()];
  }
  if (chain_.is_there() && chain_.fault.empty()) {
    wanted[chain_.newest.key_name()];
    for (const Signature& seal : chain_.seals) wanted[seal.key_name()];
  }
  const dns::Limits limits{{}, cancellation};
  const KeyAnswers keys = co_await ask_for_keys(resolver, std::move(wanted), limits);
  const auto find = [&keys](const std::string& name) {
    const auto found = keys.find(name);
    return found == keys.end() ? KeyAnswer{} : found->second;
  };
  MessageVerdicts verdicts;
  verdicts.spf = std::move(spf);
  for (const Signature& signature : signatures_) {
    verdicts.dkim.push_back(judge_dkim(header_, signature, body, find(signature.key_name()), now));
  }
  verdicts.arc = judge_arc(header_, chain_, body, find, now);
  verdicts.dmarc = co_await check_dmarc(resolver, find_author_domain(header_), verdicts.spf, verdicts.dkim, cancellation);
  co_return verdicts;
}

}  // namespace postern::provenance
