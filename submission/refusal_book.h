// RefusalBook: the last of what was refused of each account, for who looks why a message did not go. In memory; what changed is
// handed out as text from time to time, and kept by whoever asks. What a client said is in it as printable ASCII, cut.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/ip_address.h"
#include "core/recent_map.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::submission {

inline constexpr std::size_t kMaxRefusalsOfAccount = 500;           // a page of them for people, not a log
inline constexpr std::size_t kMaxRefusalOctetsOfAccount = 192 * 1024;  // the same with long addresses
inline constexpr std::size_t kMaxAccountsWithRefusals = 256;        // 48 MiB in all; whose last one is oldest is forgotten
inline constexpr Duration kRefusalsKept = std::chrono::days(7);
inline constexpr std::size_t kMaxRefusalWords = 256;  // octets of each text

struct RefusedMail {
  std::uint64_t number = 0;  // of this book, ascending; add() gives it
  Instant at;
  Environment environment = Environment::Live;
  KeyId key;
  bool is_http = false;
  std::string token;   // of core/refusals
  std::string words;   // what the client was told
  std::string from;    // reverse-path
  std::string to;      // the recipient that it was about, or the first one; empty: before there was any
  std::string peer;    // address
  std::string client;  // HELO name; empty over HTTP
};

// Any thread.
class RefusalBook {
 public:
  void add(const AccountId& account, RefusedMail refused);
  // The newest first; nothing older than kRefusalsKept.
  std::vector<RefusedMail> list(const AccountId& account, Instant now);

  // Accounts whose refusals changed since the last call, each with all of them as text; without one it is forgotten.
  using Page = std::pair<AccountId, std::optional<std::string>>;
  std::vector<Page> take_unsaved();
  // Before anything is added: a text that take_unsaved() gave. What cannot be read is left out.
  void restore(const AccountId& account, std::string_view text);

 private:
  struct OfAccount {
    std::deque<RefusedMail> refused;  // the oldest first
    std::size_t octets = 0;
    bool is_unsaved = false;
  };

  static void put(OfAccount& of_account, RefusedMail refused);

  std::mutex mutex_;
  RecentMap<AccountId, OfAccount> accounts_;
  std::vector<AccountId> forgotten_;  // and not said yet
  std::uint64_t next_ = 1;
};

}  // namespace postern::submission
