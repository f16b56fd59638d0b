// Drains the queue of a server that does not run, each recipient domain a destination of its own:
// the real store and the real queue, over transports that take everything at once and count. Prints
// one line of JSON: seconds until the store is open and until the first and the last message (99 %)
// is taken, how many, of how many destinations, most of them at once, and the most memory of its
// own.
#include "load.h"

#include "core/check.h"
#include "relay/queue.h"
#include "store/store.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fstream>
#include <memory>
#include <unordered_set>

namespace postern {
namespace {

struct Counts {
  std::size_t taken = 0;
  std::size_t transports = 0;
  std::size_t made = 0;
  std::size_t most_transports = 0;
  bench::Clock::time_point first;
  bench::Clock::time_point last;
};

class CountingTransport final : public relay::Transport {
 public:
  explicit CountingTransport(Counts& counts) : counts_(counts) {
    ++counts_.made;
    counts_.most_transports = std::max(counts_.most_transports, ++counts_.transports);
  }
  ~CountingTransport() override { --counts_.transports; }

  net::Awaitable<std::vector<relay::RecipientReport>> deliver(
      relay::DeliveryRequest request) override {
    std::vector<relay::RecipientReport> reports;
    for (const std::uint32_t index : request.recipients) {
      relay::RecipientReport& report = reports.emplace_back();
      report.index = index;
      report.outcome = relay::Outcome::Delivered;
      report.status = Status{250, EnhancedCode{2, 0, 0}, "taken"};
      report.remote = "counted";
    }
    if (counts_.taken++ == 0) counts_.first = bench::Clock::now();
    counts_.last = bench::Clock::now();
    co_return reports;
  }
  void cancel() override {}

 private:
  Counts& counts_;
};

double own_mib() {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Anonymous:")) return std::strtod(line.c_str() + 10, nullptr) / 1024;
  }
  return 0;
}

double seconds_between(bench::Clock::time_point from, bench::Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

class Drain {
 public:
  explicit Drain(const bench::Options& options) : began_(bench::Clock::now()) {
    auto opened =
        store::Store::open({.folder = options.text("data"), .spool = {}, .runs_recovery = true});
    if (!opened) {
      std::fprintf(stderr, "drain: %s\n", opened.error().message().c_str());
      std::exit(1);
    }
    store_ = std::move(*opened);
    opened_ = bench::Clock::now();
    queued_ = store_->spool().usage().value().queued;
  }

  void run() {
    relay::Route route;
    route.name = "domains";
    route.domains = {"*"};
    route.is_per_domain = true;
    const auto factory = [this](const auto&, const relay::Route*) {
      return std::make_unique<CountingTransport>(counts_);
    };
    relay::QueueSettings settings;
    settings.notices.hostname = "relay.example.net";
    relay::Queue queue({io_.get_executor(), *store_, clock_, random_, factory}, settings,
                       std::make_shared<const relay::RouteTable>(std::vector{route}));
    net::TaskGroup tasks;
    POSTERN_CHECK(tasks.start(io_.get_executor(), queue.make_task()));
    net::asio::steady_timer look(io_);
    while (counts_.taken < queued_ - queued_ / 100) {
      const std::size_t before = counts_.taken;
      look.expires_after(std::chrono::milliseconds(200));
      bool is_over = false;
      look.async_wait([&is_over](boost::system::error_code) { is_over = true; });
      while (!is_over) io_.run_one();
      most_mib_ = std::max(most_mib_, own_mib());
      idle_ = counts_.taken == before ? idle_ + 1 : 0;
      if (idle_ > 5 * 60) break;  // a minute without a message: what is there says why
    }
    const bench::Clock::time_point done = counts_.last;
    const std::size_t taken = counts_.taken;
    tasks.stop_all();
    while (tasks.count() > 0) io_.run_one();
    std::printf(
        "{\"opened_s\": %.3f, \"first_s\": %.3f, \"drained_s\": %.3f, \"taken\": %zu, \"queued\": "
        "%llu, \"made\": %zu, "
        "\"most\": %zu, \"own_mib\": %.1f}\n",
        seconds_between(began_, opened_), seconds_between(opened_, counts_.first),
        seconds_between(counts_.first, done), taken, static_cast<unsigned long long>(queued_),
        counts_.made, counts_.most_transports, most_mib_);
  }

 private:
  bench::Clock::time_point began_;
  bench::Clock::time_point opened_;
  std::uint64_t queued_ = 0;
  net::asio::io_context io_;
  SystemClock clock_;
  SystemRandom random_;
  Counts counts_;
  double most_mib_ = 0;
  int idle_ = 0;
  std::unique_ptr<store::Store> store_;
};

}  // namespace
}  // namespace postern

int main(int argc, char** argv) {
  postern::Drain(bench::Options(argc, argv, {{"data", ""}})).run();
}
