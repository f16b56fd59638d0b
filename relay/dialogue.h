// Dialogue: what was said in an attempt to hand a message on, line by line, for who looks what the next hop disliked. Credentials
// and content are left out, what else there is is printable ASCII and bounded. Pure. DialogueBook: the last of them, in memory.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/message_id.h"
#include "core/recent_map.h"
#include "smtp/client_session.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace postern::relay {

inline constexpr std::size_t kMaxDialogueLine = 256;   // octets; the longest command has 512, of which the end tells little
inline constexpr std::size_t kMaxDialogueHead = 3'072;  // octets: greeting, EHLO and some tens of recipients
inline constexpr std::size_t kMaxDialogueTail = 1'024;  // the last lines, which say what became of it

// Of one connection. Told all that passes; one transaction after the other.
class DialogueRecorder {
 public:
  void passed(smtp::Direction direction, std::string_view octets);
  // "> EHLO …\n< 250 …\n": what was said since the last call; the next transaction begins.
  std::string take();

 private:
  // Content begins with a 3yz after DATA and lasts as long as the transaction: nothing else is sent in it.
  enum class Mode { Commands, DataSaid, Content, Auth, StarttlsSaid };

  void passed_of(smtp::Direction direction, std::string_view octets);
  void sent_line(std::string_view line);
  void received_line(std::string_view line);
  void add(std::string line);

  Mode mode_ = Mode::Commands;
  std::uint64_t content_octets_ = 0;
  std::string sent_;      // of a line that has not ended
  std::string received_;
  std::string head_;
  std::deque<std::string> tail_;
  std::size_t tail_octets_ = 0;
  std::size_t left_out_ = 0;  // lines
  // Of the next transaction, which was begun behind the content: what was sent, and what came behind the final reply.
  std::string sent_ahead_;
  std::string received_ahead_;
  bool is_over_ = false;
};

// One whom the connection that `config` is for tells; the connection keeps it.
std::shared_ptr<DialogueRecorder> record_dialogue(smtp::ClientConfig& config);

struct Dialogue {
  Instant at;          // of its end
  std::string remote;  // "mx.example.net [192.0.2.1]:25"
  std::string text;    // as DialogueRecorder::take(); what is ours begins with "= "
};

inline constexpr std::size_t kMaxDialogueOctetsOfAccount = 128 * 1024;
inline constexpr std::size_t kMaxAccountsWithDialogues = 256;  // 32 MiB in all; who sent longest ago is forgotten
inline constexpr Duration kDialoguesKept = std::chrono::days(3);

// Any thread.
class DialogueBook {
 public:
  void add(const AccountId& account, const MessageId& message, Dialogue dialogue);
  // The oldest first.
  std::vector<Dialogue> list(const AccountId& account, const MessageId& message, Instant now);

 private:
  struct OfAccount {
    std::deque<std::pair<MessageId, Dialogue>> dialogues;  // the oldest first
    std::size_t octets = 0;
  };

  std::mutex mutex_;
  RecentMap<AccountId, OfAccount> accounts_;
};

}  // namespace postern::relay
