#include "relay/tls_reporter.h"

#include "core/mailbox.h"
#include "core/metrics.h"
#include "core/operator_log.h"
#include "dns/records.h"
#include "mime/header_scan.h"
#include "net/await_completion.h"
#include "reports/tls_results.h"
#include "reports/unpack.h"
#include "store/lane.h"

#include <boost/asio/as_tuple.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace postern::relay {
namespace {

using std::chrono::days;

constexpr Duration kTriedAgain = std::chrono::hours(1);
constexpr Duration kBetweenDomains = std::chrono::milliseconds(20);  // domains: look-ups of others go on meanwhile
constexpr int kTidiedReportDays = 32;                               // a process that was stopped for a month still tidies up
constexpr std::size_t kDomainsAtOnce = 100;                      // domains
constexpr std::size_t kMaxAnswer = 64 << 10;                  // of who takes a report over HTTPS; nobody reads it
constexpr std::chrono::seconds kPostLimit{60};
constexpr std::string_view kTold = "told";
constexpr std::string_view kNobody = "nobody asks";

metrics::Counter tls_reports("postern_tls_reports_total", "TLS reports that were sent on their way, or could not be.",
                             {{"way", {"mail", "https"}}, {"outcome", {"sent", "failed"}}});

Instant utc_midnight(Instant now) { return std::chrono::floor<days>(now); }

// FNV-1a: the same in every process.
std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

// A state is kTold, kNobody, or the URIs that were told, a line each.
bool is_settled(std::string_view state) { return state == kTold || state == kNobody; }

std::set<std::string> told_uris(std::string_view text) {
  std::set<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

Instant tls_reports_begin(Instant now, std::string_view submitter, Duration spread) {
  const Instant midnight = utc_midnight(now);
  const auto seconds = static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(spread).count());
  return midnight + std::chrono::seconds(stable_hash(std::string(submitter) + reports::utc_day(midnight)) % (seconds + 1));
}

TlsReporter::TlsReporter(TlsReporterParts parts, TlsReporterSettings settings)
    : parts_(std::move(parts)),
      settings_(std::move(settings)),
      timer_(parts_.executor),
      https_(parts_.resolver, settings_.allows_special) {}

// The server is of use without it.
class TlsReporter::Work final : public net::Task {
 public:
  explicit Work(std::shared_ptr<TlsReporter> reporter) : reporter_(std::move(reporter)) {}
  net::Awaitable<void> run() override { return reporter_->run(); }
  void stop() override { reporter_->stop(); }
  void cancel() override { reporter_->stop(); }

 private:
  std::shared_ptr<TlsReporter> reporter_;
};

std::unique_ptr<net::Task> TlsReporter::make_task(const std::shared_ptr<TlsReporter>& reporter) {
  return std::make_unique<Work>(reporter);
}

void TlsReporter::stop() {
  is_stopping_ = true;
  timer_.cancel();
  look_ups_.cancel();
  https_.cancel();
}

net::Awaitable<void> TlsReporter::pause(Duration time) {
  if (is_stopping_) co_return;
  timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(time));
  co_await timer_.async_wait(net::asio::as_tuple(net::kAwait));
}

net::Awaitable<void> TlsReporter::run() {
  next_walk_ = begin_of(parts_.clock.now());
  for (; !is_stopping_; co_await pause(settings_.poll)) {
    const Instant now = parts_.clock.now();
    // A clock that was set back by days makes nobody wait for them.
    if (next_walk_ - now > days(1) + settings_.spread) next_walk_ = begin_of(now);
    if (now < next_walk_) continue;
    const bool is_done = co_await walk(now);
    const Instant next_day = begin_of(now + days(1));
    next_walk_ = is_done ? next_day : std::min(next_day, now + kTriedAgain);
  }
}

net::Awaitable<bool> TlsReporter::walk(Instant now) {
  parts_.flush();
  for (int age = reports::kTlsResultDays; age < reports::kTlsResultDays + kTidiedReportDays; ++age) {
    parts_.notebook.erase_prefix_later(store::NotebookTable::TlsReports, reports::utc_day(now - days(age)));
  }
  const std::string prefix = reports::utc_day(utc_midnight(now) - days(1)) + " ";
  bool is_done = true;
  std::string after = prefix;
  while (!is_stopping_) {
    const auto found = parts_.notebook.list(store::NotebookTable::TlsResults, prefix, after, kDomainsAtOnce);
    if (!found || found->empty()) co_return found && is_done;
    for (const auto& [key, kept] : *found) {
      after = key;
      const auto state = parts_.notebook.find(store::NotebookTable::TlsReports, key);
      if (is_stopping_ || (state && *state && is_settled(**state))) continue;
      const bool is_told = co_await report(key, key.substr(prefix.size()), kept, now);
      is_done = is_done && is_told;
      co_await pause(kBetweenDomains);
    }
  }
  co_return false;
}

net::Awaitable<bool> TlsReporter::report(std::string key, std::string domain, std::string kept, Instant now) {
  constexpr auto kTable = store::NotebookTable::TlsReports;
  const auto answer = co_await dns::look_up<dns::Txt>(parts_.resolver, "_smtp._tls." + domain, {.cancellation = &look_ups_});
  if (!dns::is_answer(answer.finding)) co_return false;
  std::vector<std::string> texts;
  for (const dns::Txt& record : answer.records) texts.push_back(record.text);
  const std::vector<std::string> uris = reports::find_tls_report_uris(texts);
  auto read = reports::read_tls_report(kept);
  if (uris.empty() || !read) {
    parts_.notebook.put_later(kTable, key, std::string(kNobody));
    co_return true;
  }
  const auto told = std::make_shared<reports::TlsReport>(std::move(*read));
  told->organization = settings_.submitter;
  told->contact = settings_.from;
  told->begin = utc_midnight(now) - days(1);
  told->end = utc_midnight(now) - std::chrono::seconds(1);
  told->id = reports::utc_day(told->begin) + "." + domain + "@" + settings_.submitter;
  const auto before = parts_.notebook.find(kTable, key);
  std::set<std::string> done = before && *before ? told_uris(**before) : std::set<std::string>();
  bool is_all = true;
  for (const std::string& uri : uris) {
    if (done.contains(uri)) continue;
    const bool is_told = co_await tell(uri, domain, told, now);
    if (is_told) done.insert(uri);
    is_all = is_all && is_told;
  }
  std::string state(is_all ? kTold : "");
  for (const std::string& uri : done) state += is_all ? "" : uri + "\n";
  if (!state.empty()) parts_.notebook.put_later(kTable, key, std::move(state));
  co_return is_all;
}

// True: there is nothing more to do for it. A URI that leads nowhere is left alone.
net::Awaitable<bool> TlsReporter::tell(std::string uri, std::string domain, std::shared_ptr<const reports::TlsReport> report,
                                       Instant now) {
  if (is_stopping_) co_return false;
  const auto address = reports::mail_address_of(uri);
  const auto place = reports::report_place_of(uri);
  if (!address && !place) co_return true;
  bool is_told = false;
  if (address) {
    is_told = co_await send_mail(*address, domain, report, now);
  } else {
    is_told = co_await post(*place, report);
  }
  tls_reports.at(address ? 0 : 1, is_told ? 0 : 1).add();
  operator_log::tls_report(domain, uri, is_told);
  co_return is_told;
}

net::Awaitable<bool> TlsReporter::post(reports::ReportPlace place, std::shared_ptr<const reports::TlsReport> report) {
  http::ClientRequest request;
  request.method = "POST";
  request.target = place.target;
  request.fields = {{"Content-Type", std::string(reports::kTlsReportType)}};
  request.body = reports::pack_report(reports::format_tls_report(*report));
  const auto answer = co_await https_.send(place.host, place.port, std::move(request), kMaxAnswer, kPostLimit);
  co_return answer && answer->status >= 200 && answer->status < 300;
}

store::NewMessage TlsReporter::new_mail(const MessageId& id, const std::string& address, Instant now) const {
  store::NewMessage message{.record = {}, .delivery = {}, .events = {}, .claim = {}};
  message.record.id = id;
  message.record.origin = store::MessageOrigin::Notification;
  message.record.accepted_at = now;
  message.record.envelope.recipients.push_back({.mailbox = parse_mailbox(address).value(), .notify = {}, .orcpt = {}});
  Notify& notify = message.record.envelope.recipients.front().notify;
  notify.is_given = notify.never = true;
  message.delivery.recipients.resize(1);
  message.delivery.recipients.front().next_attempt = now;
  message.delivery.due = now;
  message.delivery.lane = store::lane_of_pending(message.record, message.delivery);
  return message;
}

std::string TlsReporter::signature_of(const std::string& content) const {
  const AccountId owner = settings_.owner ? settings_.owner() : AccountId{};
  if (parts_.signer == nullptr || owner == AccountId{}) return {};
  mime::HeaderScan header;
  header.feed(content);
  header.finish();
  const auto signer = parts_.signer->open(owner, header);
  if (!signer || !*signer) return {};
  (*signer)->append(content);
  auto fields = (*signer)->finish();
  return fields ? std::move(*fields) : std::string();
}

net::Awaitable<bool> TlsReporter::send_mail(std::string address, std::string domain,
                                            std::shared_ptr<const reports::TlsReport> report, Instant now) {
  const MessageId id = make_message_id(now, parts_.random);
  const reports::TlsReportMail mail{.from = settings_.from,
                                    .to = address,
                                    .domain = domain,
                                    .submitter = settings_.submitter,
                                    .message_id = format_message_id(id) + "@" + settings_.submitter,
                                    .date = now};
  const std::string content = reports::format_tls_report_mail(mail, *report);
  store::NewMessage message = new_mail(id, address, now);
  message.record.signature_fields = signature_of(content);
  const store::DueEntry due{.due = now, .id = id, .lane = message.delivery.lane};
  auto writer = parts_.store.spool().open_message(id);
  writer->append(content);
  store::Spool& spool = parts_.store.spool();
  const auto start = [&spool, &writer, &message](Completion done) {
    spool.commit(std::move(writer), std::move(message), std::move(done));
  };
  const Result<void> committed = co_await net::await_completion(start);
  if (committed) parts_.committed(due);
  co_return committed.has_value();
}

}  // namespace postern::relay
