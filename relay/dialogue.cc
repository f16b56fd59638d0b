#include "relay/dialogue.h"

#include "core/bytes.h"

#include <algorithm>
#include <utility>

namespace postern::relay {
namespace {

constexpr std::string_view kCredentials = "[credentials]";

// A line of any length: what is beyond the bound is of no use to anybody.
void append_bounded(std::string& line, std::string_view more) {
  line += more.substr(0, kMaxDialogueLine * 2 - std::min(line.size(), kMaxDialogueLine * 2));
}

// `line` is false where what follows it is none of this. → what follows.
template <class Line>
std::string_view split_lines(std::string& unfinished, std::string_view octets, Line line) {
  for (std::size_t end = octets.find('\n'); end != std::string_view::npos; end = octets.find('\n')) {
    append_bounded(unfinished, octets.substr(0, end));
    octets.remove_prefix(end + 1);
    const std::string whole = std::exchange(unfinished, {});
    if (!line(std::string_view(whole).substr(0, whole.ends_with('\r') ? whole.size() - 1 : whole.size()))) return octets;
  }
  append_bounded(unfinished, octets);
  return {};
}

}  // namespace

void DialogueRecorder::passed(smtp::Direction direction, std::string_view octets) {
  if (direction == smtp::Direction::SentAhead) {
    sent_ahead_ = octets;
  } else if (is_over_ && direction == smtp::Direction::Received) {
    received_ahead_ += octets;
  } else {
    passed_of(direction, octets);
  }
}

void DialogueRecorder::passed_of(smtp::Direction direction, std::string_view octets) {
  if (direction == smtp::Direction::Received) {
    const bool is_last = mode_ == Mode::Content && !sent_ahead_.empty();
    received_ahead_ = split_lines(received_, octets, [this, is_last](std::string_view line) {
      received_line(line);
      is_over_ = is_last && !(line.size() > 3 && line[3] == '-');
      return !is_over_;
    });
  } else if (mode_ == Mode::Content) {
    content_octets_ += octets.size();
  } else {
    split_lines(sent_, octets, [this](std::string_view line) {
      sent_line(line);
      return true;
    });
  }
}

void DialogueRecorder::sent_line(std::string_view line) {
  if (mode_ == Mode::Auth) return add("> " + std::string(kCredentials));
  if (starts_with_ignoring_case(line, "AUTH ")) {
    mode_ = Mode::Auth;
    const std::string_view mechanism = line.substr(5, line.find(' ', 5) - 5);
    const bool has_response = 5 + mechanism.size() < line.size();
    return add("> AUTH " + std::string(mechanism) + (has_response ? " " + std::string(kCredentials) : ""));
  }
  mode_ = equals_ignoring_case(line, "DATA")       ? Mode::DataSaid
          : equals_ignoring_case(line, "STARTTLS") ? Mode::StarttlsSaid
                                                   : Mode::Commands;
  add("> " + std::string(line));
}

void DialogueRecorder::received_line(std::string_view line) {
  if (mode_ == Mode::Auth) {
    // A peer may say back what it was given.
    add("< " + std::string(line.substr(0, 3)) + " [what it says to credentials]");
    if (!line.starts_with('3')) mode_ = Mode::Commands;
    return;
  }
  if (std::exchange(content_octets_, 0) != 0) add("= the content");
  add("< " + std::string(line));
  if (mode_ == Mode::DataSaid && line.starts_with('3')) mode_ = Mode::Content;
  if (mode_ != Mode::StarttlsSaid) return;
  if (line.starts_with('2')) add("= TLS from here on");
  mode_ = Mode::Commands;
}

void DialogueRecorder::add(std::string line) {
  line = escape_for_log(line, kMaxDialogueLine) + "\n";
  if (tail_.empty() && head_.size() + line.size() <= kMaxDialogueHead) {
    head_ += line;
    return;
  }
  tail_octets_ += line.size();
  tail_.push_back(std::move(line));
  for (; tail_octets_ > kMaxDialogueTail; ++left_out_) {
    tail_octets_ -= tail_.front().size();
    tail_.pop_front();
  }
}

std::string DialogueRecorder::take() {
  std::string text = std::exchange(head_, {});
  if (left_out_ > 0) text += "= " + std::to_string(left_out_) + " lines are left out\n";
  for (const std::string& line : std::exchange(tail_, {})) text += line;
  tail_octets_ = left_out_ = 0;
  mode_ = Mode::Commands;
  content_octets_ = 0;
  sent_.clear();
  received_.clear();
  is_over_ = false;
  if (const std::string sent = std::exchange(sent_ahead_, {}); !sent.empty()) {
    passed(smtp::Direction::Sent, sent);
    passed(smtp::Direction::Received, std::exchange(received_ahead_, {}));
  }
  return text;
}

std::shared_ptr<DialogueRecorder> record_dialogue(smtp::ClientConfig& config) {
  auto recorder = std::make_shared<DialogueRecorder>();
  config.transcript = [recorder](smtp::Direction direction, std::string_view octets) { recorder->passed(direction, octets); };
  return recorder;
}

void DialogueBook::add(const AccountId& account, const MessageId& message, Dialogue dialogue) {
  const auto octets_of = [](const Dialogue& one) { return sizeof(one) + one.remote.size() + one.text.size(); };
  const std::lock_guard lock(mutex_);
  OfAccount& of_account = accounts_.touch(account).first;
  of_account.octets += octets_of(dialogue);
  of_account.dialogues.emplace_back(message, std::move(dialogue));
  while (of_account.octets > kMaxDialogueOctetsOfAccount) {
    of_account.octets -= octets_of(of_account.dialogues.front().second);
    of_account.dialogues.pop_front();
  }
  accounts_.shrink_to(kMaxAccountsWithDialogues);
}

std::vector<Dialogue> DialogueBook::list(const AccountId& account, const MessageId& message, Instant now) {
  const std::lock_guard lock(mutex_);
  std::vector<Dialogue> listed;
  const OfAccount* const of_account = accounts_.find(account);
  if (of_account == nullptr) return listed;
  for (const auto& [id, dialogue] : of_account->dialogues) {
    if (id == message && now - dialogue.at <= kDialoguesKept) listed.push_back(dialogue);
  }
  return listed;
}

}  // namespace postern::relay
