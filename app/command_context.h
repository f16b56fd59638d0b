// What every command of `postern` works with: the settings, the store (also while the server has it open), the time, and how
// to print. Look-ups here turn what a person types into records.
#pragma once

#include "app/cluster_node.h"
#include "app/output.h"
#include "app/settings.h"
#include "core/clock.h"
#include "core/message_id.h"
#include "core/random.h"
#include "core/result.h"
#include "store/store.h"

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

namespace postern::app {

// Who runs this program, for the audit trail: whoever became root by sudo goes by the own name.
store::Actor acting_person();

class CommandContext {
 public:
  struct Options {
    std::filesystem::path config_file;
    bool as_json = false;
  };
  CommandContext(Options options, std::ostream& out, std::ostream& err)
      : options_(std::move(options)), out_(out), err_(err) {}

  // Reads the configuration and opens the store. Problems of the configuration go to `err`, one a line.
  Result<void> open();
  Result<void> load_settings();

  const std::filesystem::path& config_file() const { return options_.config_file; }
  const Settings& settings() const { return settings_; }
  store::Store& store() { return *store_; }
  store::Directory& directory() { return store_->directory(); }
  store::Spool& spool() { return store_->spool(); }
  ClusterNode* cluster() { return cluster_.get(); }  // null: one machine
  const Clock& clock() const { return clock_; }
  Random& random() { return random_; }
  std::ostream& out() { return out_; }
  std::ostream& err() { return err_; }
  bool as_json() const { return options_.as_json; }

  // As JSON `value`, for people `text`.
  void print(const json::value& value, const std::string& text);
  // One sentence of confirmation; as JSON an object with `value`.
  void confirm(const json::object& value, const std::string& sentence);

  // Of a list that was cut short: how many more there are, and how to see them. As JSON it goes to err().
  void tell_more(std::uint64_t count, bool is_least = false);
  // Before what cannot be undone: a person at a terminal is asked. Conflict: he does not agree, or there is none and --yes was
  // not said.
  Result<void> ask(const std::string& what);

  // By name, id or unique beginning of the id. NotFound, or Conflict where several begin so.
  Result<store::AccountRecord> find_account(std::string_view text);
  // By id or unique beginning of id or key prefix.
  Result<store::KeyRecord> find_key(std::string_view text);
  // By id or unique beginning.
  Result<store::StoredMessage> find_message(std::string_view text);
  // The account's name, or its id where it is gone.
  std::string account_name(const AccountId& id);

 private:
  Options options_;
  std::ostream& out_;
  std::ostream& err_;
  Settings settings_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<ClusterNode> cluster_;
  SystemClock clock_;
  SystemRandom random_;
};

// The messages of one account, or of all, newest first, until `visit` returns false. Of one it reads no others.
Result<void> for_each_message(store::Spool& spool, const std::optional<AccountId>& account, std::optional<MessageId> before,
                              const std::function<bool(const store::StoredMessage&)>& visit);

}  // namespace postern::app
