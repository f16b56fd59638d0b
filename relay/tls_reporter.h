// TlsReporter: tells domains that ask for it how TLS with their mail hosts went (RFC 8460): once a UTC day after it ended, by mail
// and by HTTPS, to whom `_smtp._tls` names and to nobody else. What was told is kept beside the results, so a restart repeats
// nothing; what could not be told is tried again each hour until the next day's reports begin.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "dns/resolver.h"
#include "domains/content_signer.h"
#include "mx/https_client.h"
#include "net/awaitable.h"
#include "net/task_group.h"
#include "reports/tls_report_mail.h"
#include "store/notebook.h"
#include "store/store.h"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <set>
#include <string>

namespace postern::relay {

struct TlsReporterSettings {
  std::string from;         // an address
  std::string submitter;    // this installation's name, in reports and their files' names
  std::function<AccountId()> owner;  // whose keys sign the mail: the account that has verified the address's domain; null: none
  Duration spread = std::chrono::hours(4);  // of the days' beginnings
  bool allows_special = false;  // hosts that are not public: laboratories
  Duration poll = std::chrono::minutes(1);
};

// All of it outlives the reporter.
struct TlsReporterParts {
  net::Executor executor;  // of the queue
  store::Store& store;
  store::Notebook& notebook;
  dns::Resolver& resolver;
  const Clock& clock;
  Random& random;
  const domains::MessageSigner* signer = nullptr;         // null: mail is not signed
  std::function<void()> flush;                            // results that are not written down yet
  std::function<void(const store::DueEntry&)> committed;  // a mail waits in the queue
};

// When the reports of the day before `now`'s begin: up to `spread` after midnight, by chance that is the same each time.
Instant tls_reports_begin(Instant now, std::string_view submitter, Duration spread);

class TlsReporter {
 public:
  TlsReporter(TlsReporterParts parts, TlsReporterSettings settings);

  // To be started once, on the executor.
  static std::unique_ptr<net::Task> make_task(const std::shared_ptr<TlsReporter>& reporter);

  // As the task does every hour of a day, at once. True: everybody who asks has been told.
  net::Awaitable<bool> walk(Instant now);

  net::Awaitable<void> run();
  // What is under way ends soon.
  void stop();

 private:
  class Work;

  net::Awaitable<bool> report(std::string key, std::string domain, std::string kept, Instant now);
  net::Awaitable<bool> tell(std::string uri, std::string domain, std::shared_ptr<const reports::TlsReport> report, Instant now);
  net::Awaitable<bool> send_mail(std::string address, std::string domain, std::shared_ptr<const reports::TlsReport> report,
                                 Instant now);
  net::Awaitable<bool> post(reports::ReportPlace place, std::shared_ptr<const reports::TlsReport> report);
  store::NewMessage new_mail(const MessageId& id, const std::string& address, Instant now) const;
  std::string signature_of(const std::string& content) const;
  Instant begin_of(Instant now) const { return tls_reports_begin(now, settings_.submitter, settings_.spread); }
  net::Awaitable<void> pause(Duration time);

  TlsReporterParts parts_;
  TlsReporterSettings settings_;
  net::asio::steady_timer timer_;
  mx::HttpsClient https_;
  dns::Cancellation look_ups_;
  Instant next_walk_{};
  bool is_stopping_ = false;
};

}  // namespace postern::relay
