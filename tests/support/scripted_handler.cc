// The conversation writes into the handler's record, from any I/O thread.
#include "tests/support/scripted_handler.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace postern::test {

namespace asio = net::asio;

namespace {

// A failing test should say so before its runner loses patience.
constexpr std::chrono::seconds kPatience{120};

}  // namespace

class ScriptedHandler::ScriptedConversation final : public smtp::Conversation, public smtp::ContentSink {
 public:
  explicit ScriptedConversation(ScriptedHandler& handler) : handler_(handler) { handler_.note("opened"); }
  ~ScriptedConversation() override { handler_.note("destroyed"); }

  net::Awaitable<smtp::AuthenticateAnswer> authenticate(const smtp::Credential&, smtp::SessionFacts) override {
    handler_.note("authenticate");
    co_return smtp::AuthenticateAnswer{handler_.script_.authentication};
  }
  smtp::Verdict judge_sender(const smtp::JudgeSender&) override {
    handler_.note("sender");
    return handler_.script_.sender;
  }
  smtp::Verdict judge_recipient(const smtp::JudgeRecipient&) override {
    handler_.note("recipient");
    return handler_.script_.recipient;
  }
  smtp::OpenAnswer open_message(const smtp::OpenMessage&, smtp::SessionFacts) override {
    handler_.note("message");
    if (!handler_.script_.opening.is_accepted()) return {.sink = nullptr, .refusal = handler_.script_.opening};
    content_.clear();
    return {.sink = this, .refusal = std::nullopt};
  }
  bool append(std::string_view content) override {
    content_ += content;
    return !handler_.script_.sink_is_always_full;
  }
  net::Awaitable<void> drain_content() override {
    const net::Executor executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, asio::use_awaitable);
  }
  net::Awaitable<smtp::CommitAnswer> commit_message() override {
    handler_.note("commit");
    co_await wait_for_release();
    if (handler_.script_.commit.is_accepted()) {
      const std::lock_guard lock(handler_.mutex_);
      handler_.contents_.push_back(content_);
    }
    handler_.note("committed");
    co_return smtp::CommitAnswer{handler_.script_.commit};
  }
  void abandon_message() override { handler_.note("abandon"); }

 private:
  net::Awaitable<void> wait_for_release() {
    if (!handler_.script_.holds_commits) co_return;
    const net::Executor executor = co_await asio::this_coro::executor;
    auto timer = std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
    {
      const std::lock_guard lock(handler_.mutex_);
      if (handler_.is_released_) co_return;
      handler_.held_.push_back([executor, timer] { asio::post(executor, [timer] { timer->cancel(); }); });
    }
    const auto released = co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
    static_cast<void>(released);
  }

  ScriptedHandler& handler_;
  std::string content_;
};

std::unique_ptr<smtp::Conversation> ScriptedHandler::open_conversation(const smtp::PeerFacts& peer) {
  {
    const std::lock_guard lock(mutex_);
    peers_.push_back(peer);
  }
  return std::make_unique<ScriptedConversation>(*this);
}

void ScriptedHandler::note(const std::string& what) {
  const std::lock_guard lock(mutex_);
  record_.push_back(what);
  changed_.notify_all();
}

std::vector<smtp::PeerFacts> ScriptedHandler::peers() const {
  const std::lock_guard lock(mutex_);
  return peers_;
}

std::vector<std::string> ScriptedHandler::record() const {
  const std::lock_guard lock(mutex_);
  return record_;
}

std::size_t ScriptedHandler::count(const std::string& what) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count(record_.begin(), record_.end(), what));
}

bool ScriptedHandler::wait_for(const std::string& what, std::size_t times) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] {
    return static_cast<std::size_t>(std::count(record_.begin(), record_.end(), what)) >= times;
  });
}

void ScriptedHandler::refused(const IpAddress&, std::string_view token) {
  const std::lock_guard lock(mutex_);
  refusals_.emplace_back(token);
}

std::vector<std::string> ScriptedHandler::refusals() const {
  const std::lock_guard lock(mutex_);
  return refusals_;
}

std::vector<std::string> ScriptedHandler::contents() const {
  const std::lock_guard lock(mutex_);
  return contents_;
}

void ScriptedHandler::release_commits() {
  const std::lock_guard lock(mutex_);
  is_released_ = true;
  for (const auto& release : held_) release();
  held_.clear();
}

}  // namespace postern::test
