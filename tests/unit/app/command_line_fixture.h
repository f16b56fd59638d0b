// The whole of the command line over a store in a folder of its own.
#pragma once

#include "app/command_line.h"

#include "auth/api_key.h"
#include "core/mailbox.h"
#include "events/webhook_admin.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iostream>
#include <sstream>

#include <string>
#include <vector>

namespace postern::app {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

struct Ran {
  int status = 0;
  std::string out;
  std::string err;
};

class CommandLine : public testing::Test {
 protected:
  CommandLine() {
    std::string pattern = (std::filesystem::temp_directory_path() / "postern-cli-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    write_config("");
  }
  ~CommandLine() override { std::filesystem::remove_all(folder_); }

  void write_config(const std::string& more) {
    std::ofstream(folder_ / "postern.toml") << "environment = \"development\"\ndata_dir = \"data\"\n" << more;
  }

  Ran run(std::vector<std::string> words) {
    const std::string config = (folder_ / "postern.toml").string();
    std::vector<const char*> argv{"postern", "--config", config.c_str()};
    for (const auto& word : words) argv.push_back(word.c_str());
    std::ostringstream out;
    std::ostringstream err;
    const auto parsed = parse_command_line(static_cast<int>(argv.size()), argv.data(), out, err);
    if (const int* status = std::get_if<int>(&parsed)) return {*status, out.str(), err.str()};
    const auto& invocation = std::get<Invocation>(parsed);
    CommandContext context(invocation.options, out, err);
    Result<void> done;
    if (invocation.needs == Needs::Store) done = context.open();
    if (invocation.needs == Needs::Settings) done = context.load_settings();
    if (done) done = invocation.action(context);
    const int status = done ? 0 : report_failure(invocation, done.error(), err);
    return {status, out.str(), err.str()};
  }

  std::string must(std::vector<std::string> words) {
    const Ran ran = run(std::move(words));
    EXPECT_EQ(ran.status, 0) << ran.err;
    return ran.out;
  }

  // Commits a message of one recipient, as the server would.
  MessageId put_message(const std::string& account_name, const std::string& user_name,
                        Environment environment = Environment::Test,
                        const std::function<void(store::MessageRecord&)>& change = {}) {
    SystemRandom random;
    const SystemClock clock;
    auto opened = store::Store::open({.folder = folder_ / "data", .spool = {.min_free_octets = 0}});
    store::Store& store = *opened.value();
    const auto account = store.directory().find_account_named(account_name).value().value();
    const Instant now = clock.now() - age_of_mail_;
    const auto id = make_message_id(now, random);
    auto writer = store.spool().open_message(id);
    writer->append("Subject: test\r\n\r\nbody\r\n");
    store::MessageRecord record;
    record.id = id;
    record.account = account.id;
    record.environment = environment;
    record.user_name = user_name;
    record.accepted_at = now;
    record.envelope.reverse_path = parse_mailbox("me@example.org").value();
    record.envelope.recipients.push_back({.mailbox = parse_mailbox("you@example.net").value(), .notify = {}, .orcpt = {}});
    if (change) change(record);
    store::DeliveryRecord delivery;
    delivery.recipients.resize(record.envelope.recipients.size());
    delivery.recipients[0].next_attempt = now;
    delivery.due = now;
    delivery.content_until = now + std::chrono::hours(1);
    std::promise<Result<void>> done;
    store.spool().commit(std::move(writer), {.record = record, .delivery = delivery, .events = {}, .claim = {}},
                         [&](Result<void> result) { done.set_value(std::move(result)); });
    EXPECT_TRUE(done.get_future().get().has_value());
    return id;
  }

  // Keeps what a server counted.
  void write_directory(const std::function<Result<void>(store::DirectoryWriter&, const store::AccountRecord&)>& change,
                       const std::string& account_name) {
    auto store = store::Store::open({.folder = folder_ / "data", .spool = {.min_free_octets = 0}}).value();
    const auto account = store->directory().find_account_named(account_name).value().value();
    const auto written =
        store->directory().write([&](store::DirectoryWriter& writer) { return change(writer, account); });
    EXPECT_TRUE(written.has_value());
  }

  std::string password_hash(const std::string& email) {
    auto store = store::Store::open({.folder = folder_ / "data", .spool = {.min_free_octets = 0}}).value();
    return store->directory().find_user_by_email(email).value().value().password_hash;
  }

  void ask_for_production(const std::string& account_name, std::string use_case) {
    auto store = store::Store::open({.folder = folder_ / "data", .spool = {.min_free_octets = 0}}).value();
    const auto account = store->directory().find_account_named(account_name).value().value();
    const store::ProductionRequest request{account.id, account.created, std::move(use_case)};
    EXPECT_TRUE(store->directory()
                    .write([&](store::DirectoryWriter& writer) { return writer.put_production_request(request); })
                    .has_value());
  }

  std::filesystem::path folder_;
  Duration age_of_mail_{};  // of what put_message() commits
};

}  // namespace postern::app
