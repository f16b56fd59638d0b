// Fills the store of a server that does not run: keys by the million, or queued messages, through the store's own interface and
// in large commits. `fill keys` prints some of the keys, evenly spread, as AUTH PLAIN initial responses, one a line; `fill
// messages` queues messages of the account that is named, to as many domains, which the sink verifies
// like those of smtp_load; `fill commits` takes
// them one at a time, as a server with one client does, and prints the median of what the commit of one took, in milliseconds.
#include "load.h"

#include "auth/api_key.h"
#include "auth/key_digest.h"
#include "core/base64.h"
#include "core/check.h"
#include "store/lane.h"
#include "store/store.h"

#include <algorithm>
#include <future>
#include <memory>

namespace postern {
namespace {

constexpr long kKeysPerAccount = 10'000;   // what an account may hold
constexpr long kKeysPerCommit = 100'000;   // keys fall all over the tables: a commit rewrites most pages
constexpr long kMessagesPerWave = 4'096;   // one commit of the spool

class Filler {
 public:
  Filler(const bench::Options& options)
      : count_(options.number("count")),
        octets_(static_cast<std::size_t>(options.number("octets"))),
        account_(options.text("account")),
        domains_(std::max(1L, options.number("domains"))),
        print_every_(std::max(1L, count_ / std::max(1L, options.number("print")))) {
    auto opened = store::Store::open({.folder = options.text("data"), .spool = {}, .runs_recovery = true});
    if (!opened) give_up(opened.error());
    store_ = std::move(*opened);
  }

  void fill_keys() {
    for (long first = 0; first < count_; first += kKeysPerCommit) {
      const auto written = store_->directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
        for (long at = first; at < std::min(first + kKeysPerCommit, count_); at += kKeysPerAccount) {
          if (auto put = put_account_with_keys(writer, at); !put) return put;
        }
        return {};
      });
      if (!written) give_up(written.error());
    }
  }

  void fill_messages() {
    const AccountId account = find_account();
    for (long first = 0; first < count_; first += kMessagesPerWave) {
      std::vector<std::promise<Result<void>>> wave(static_cast<std::size_t>(std::min(kMessagesPerWave, count_ - first)));
      for (std::size_t i = 0; i < wave.size(); ++i) commit_message(account, first + static_cast<long>(i), wave[i]);
      for (auto& done : wave) wait_for(done);
    }
  }

  // The time runs from the complete message to its completion, which the commit thread calls behind the sync. Each is settled
  // before the next, so that the file has the free pages it has where mail is delivered.
  void time_commits() {
    const AccountId account = find_account();
    std::vector<double> taken_ms;
    for (long number = 0; number < count_; ++number) {
      std::promise<Result<void>> accepted, settled;
      const auto began = bench::Clock::now();
      const MessageId id = commit_message(account, number, accepted);
      wait_for(accepted);
      taken_ms.push_back(std::chrono::duration<double, std::milli>(bench::Clock::now() - began).count());
      settle_message(id, settled);
      wait_for(settled);
    }
    const auto middle = taken_ms.begin() + count_ / 2;
    std::nth_element(taken_ms.begin(), middle, taken_ms.end());
    std::printf("%.4f\n", *middle);
  }

 private:
  AccountId find_account() const {
    const auto account = store_->directory().find_account_named(account_);
    POSTERN_CHECK(account && *account);
    return (**account).id;
  }

  static void wait_for(std::promise<Result<void>>& done) {
    if (const Result<void> outcome = done.get_future().get(); !outcome) give_up(outcome.error());
  }

  [[noreturn]] static void give_up(const Error& error) {
    std::fprintf(stderr, "fill: %s\n", error.message().c_str());
    std::exit(1);
  }

  Result<void> put_account_with_keys(store::DirectoryWriter& writer, long first) {
    store::AccountRecord account;
    account.id = make_account_id(random_);
    account.name = "bulk-" + std::to_string(first / kKeysPerAccount);
    account.mode = AccountMode::Production;
    account.plan.name = "unlimited";
    account.created = clock_.now();
    if (auto put = writer.put_account(account); !put) return put;
    for (long number = first; number < std::min(first + kKeysPerAccount, count_); ++number) {
      if (auto put = put_key(writer, account.id, number); !put) return put;
    }
    return {};
  }

  Result<void> put_key(store::DirectoryWriter& writer, const AccountId& account, long number) {
    const Secret text = auth::generate_api_key({}, Environment::Live, random_);
    store::KeyRecord key;
    key.id = make_key_id(random_);
    key.account = account;
    key.name = "bulk";
    key.prefix = auth::key_prefix(text.reveal());
    key.digest = auth::digest_api_key(text.reveal());
    key.created = clock_.now();
    if (number % print_every_ == 0) {
      std::puts(encode_base64(std::string(1, '\0') + "bench" + '\0' + std::string(text.reveal())).c_str());
    }
    return writer.put_key(key);
  }

  MessageId commit_message(const AccountId& account, long number, std::promise<Result<void>>& done) {
    const Instant now = clock_.now();
    store::NewMessage message;
    message.record.id = make_message_id(now, random_);
    message.record.account = account;
    message.record.accepted_at = now;
    message.record.helo_name = "load.example.org";
    message.record.envelope.reverse_path = Mailbox{.local_part = "a", .domain = "example.org"};
    message.record.envelope.recipients.push_back(
        Recipient{.mailbox = Mailbox{.local_part = "b0", .domain = domain_of(number)}, .notify = {}, .orcpt = {}});
    message.delivery.recipients.emplace_back().next_attempt = now;
    message.delivery.due = now;
    message.delivery.lane = store::lane_of_pending(message.record, message.delivery);
    Event& event = message.events.emplace_back();
    event.at = now;
    event.message = message.record.id;
    event.account = account;
    const MessageId id = message.record.id;
    auto writer = store_->spool().open_message(id);
    writer->append(content_of(number));
    store_->spool().commit(std::move(writer), std::move(message),
                           [&done](Result<void> outcome) { done.set_value(std::move(outcome)); });
    return id;
  }

  void settle_message(const MessageId& id, std::promise<Result<void>>& done) {
    store::Settlement settlement{.id = id, .changes = {}, .events = {}, .notifications = {}};
    settlement.changes.emplace_back().state.stage = store::RecipientStage::Delivered;
    store_->spool().settle(std::move(settlement), [&done](Result<void> outcome) { done.set_value(std::move(outcome)); });
  }

  // Neighbours in time are none in the due index.
  std::string domain_of(long number) const {
    return domains_ == 1 ? "example.net" : "d" + std::to_string(number % domains_) + ".example.net";
  }

  std::string content_of(long number) const {
    std::string content =
        "From: a@example.org\r\nTo: b0@example.net\r\nSubject: load\r\nX-Load: " + std::to_string(number) + "\r\n\r\n";
    while (content.size() + 78 <= octets_) content += std::string(76, 'x') + "\r\n";
    return content;
  }

  long count_;
  std::size_t octets_;
  std::string account_;
  long domains_;
  long print_every_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<store::Store> store_;
};

}  // namespace
}  // namespace postern

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what != "keys" && what != "messages" && what != "commits") {
    std::fprintf(stderr, "usage: %s keys|messages|commits --data FOLDER …\n", argv[0]);
    return 2;
  }
  const bench::Options options(argc - 1, argv + 1,
                               {{"data", ""}, {"count", "1000"}, {"octets", "1024"}, {"account", "bench"}, {"print", "10"},
                                {"domains", "1"}});
  postern::Filler filler(options);
  if (what == "keys") filler.fill_keys();
  if (what == "messages") filler.fill_messages();
  if (what == "commits") filler.time_commits();
}
