// Fills the store of a server that does not run: keys by the million, or queued messages, through the store's own interface and
// in large commits. `fill keys` prints some of the keys, evenly spread, as AUTH PLAIN initial responses, one a line; `fill
// messages` queues messages of the account that is named, which the sink verifies like those of smtp_load.
#include "load.h"

#include "auth/api_key.h"
#include "auth/key_digest.h"
#include "core/base64.h"
#include "core/check.h"
#include "store/store.h"

#include <cstring>
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
      : count_(options.number("count")), octets_(static_cast<std::size_t>(options.number("octets"))), account_(options.text("account")),
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
    const auto account = store_->directory().find_account_named(account_);
    POSTERN_CHECK(account && *account);
    for (long first = 0; first < count_; first += kMessagesPerWave) {
      std::vector<std::promise<Result<void>>> wave(static_cast<std::size_t>(std::min(kMessagesPerWave, count_ - first)));
      for (std::size_t i = 0; i < wave.size(); ++i) commit_message((**account).id, first + static_cast<long>(i), wave[i]);
      for (auto& done : wave) {
        if (const Result<void> committed = done.get_future().get(); !committed) give_up(committed.error());
      }
    }
  }

 private:
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
    if (number % print_every_ == 0) std::puts(encode_base64(std::string(1, '\0') + "bench" + '\0' + std::string(text.reveal())).c_str());
    return writer.put_key(key);
  }

  void commit_message(const AccountId& account, long number, std::promise<Result<void>>& done) {
    const Instant now = clock_.now();
    store::NewMessage message;
    message.record.id = make_message_id(now, random_);
    message.record.account = account;
    message.record.accepted_at = now;
    message.record.helo_name = "load.example.org";
    message.record.envelope.reverse_path = Mailbox{.local_part = "a", .domain = "example.org"};
    message.record.envelope.recipients.push_back(
        Recipient{.mailbox = Mailbox{.local_part = "b0", .domain = "example.net"}, .notify = {}, .orcpt = {}});
    message.delivery.recipients.emplace_back().next_attempt = now;
    message.delivery.due = now;
    message.delivery.lane = store::lane_of("example.net");
    Event& event = message.events.emplace_back();
    event.at = now;
    event.message = message.record.id;
    event.account = account;
    auto writer = store_->spool().open_message(message.record.id);
    writer->append(content_of(number));
    store_->spool().commit(std::move(writer), std::move(message), [&done](Result<void> outcome) { done.set_value(std::move(outcome)); });
  }

  std::string content_of(long number) const {
    std::string content = "From: a@example.org\r\nTo: b0@example.net\r\nSubject: load\r\nX-Load: " + std::to_string(number) + "\r\n\r\n";
    while (content.size() + 78 <= octets_) content += std::string(76, 'x') + "\r\n";
    return content;
  }

  long count_;
  std::size_t octets_;
  std::string account_;
  long print_every_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<store::Store> store_;
};

}  // namespace
}  // namespace postern

int main(int argc, char** argv) {
  const bool fills_keys = argc > 1 && std::strcmp(argv[1], "keys") == 0;
  if (!fills_keys && (argc < 2 || std::strcmp(argv[1], "messages") != 0)) {
    std::fprintf(stderr, "usage: %s keys|messages --data FOLDER …\n", argv[0]);
    return 2;
  }
  const bench::Options options(argc - 1, argv + 1, {{"data", ""}, {"count", "1000"}, {"octets", "1024"}, {"account", "bench"}, {"print", "10"}});
  postern::Filler filler(options);
  if (fills_keys) {
    filler.fill_keys();
  } else {
    filler.fill_messages();
  }
}
