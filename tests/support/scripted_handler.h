// A submission handler with canned answers that writes down what it was asked. Its record can be waited for.
#pragma once

#include "smtp/submission_handler.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace postern::test {

// Set before the server starts.
struct HandlerScript {
  smtp::Verdict authentication = smtp::Verdict::accept();
  smtp::Verdict sender = smtp::Verdict::accept();
  smtp::Verdict recipient = smtp::Verdict::accept();
  smtp::Verdict opening = smtp::Verdict::accept();
  smtp::Verdict commit = smtp::Verdict::accept();
  bool sink_is_always_full = false;  // each piece of content asks to be drained
  bool holds_commits = false;        // until release_commits()
};

class ScriptedHandler final : public smtp::SubmissionHandler {
 public:
  explicit ScriptedHandler(HandlerScript script = {}) : script_(std::move(script)) {}

  std::unique_ptr<smtp::Conversation> open_conversation(const smtp::PeerFacts& peer) override;
  void refused(const IpAddress& peer, std::string_view token) override;

  // "opened", "authenticate", "sender", "recipient", "message", "commit", "committed", "abandon", "destroyed".
  std::vector<std::string> record() const;
  std::size_t count(const std::string& what) const;
  // Waits until `what` stands in the record so many times; false after a generous time.
  bool wait_for(const std::string& what, std::size_t times = 1);
  // Of all conversations, in their order.
  std::vector<smtp::PeerFacts> peers() const;
  // Tokens of what the protocol refused.
  std::vector<std::string> refusals() const;
  // Of all committed messages.
  std::vector<std::string> contents() const;
  void release_commits();

 private:
  class ScriptedConversation;

  void note(const std::string& what);

  const HandlerScript script_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> record_;
  std::vector<smtp::PeerFacts> peers_;
  std::vector<std::string> contents_;
  std::vector<std::string> refusals_;
  std::vector<std::function<void()>> held_;
  bool is_released_ = false;
};

}  // namespace postern::test
