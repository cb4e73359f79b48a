// EXPECT none: many threads make and join others at once; the id of a joined one is a new one's before join() has returned
#include <mutex>
#include <thread>
#include <vector>

static std::mutex mutex;
static int count;

static void leaf() {
  std::lock_guard<std::mutex> lock(mutex);
  ++count;
}

int main() {
  std::vector<std::thread> makers;
  for (int i = 0; i < 8; ++i)
    makers.emplace_back([] {
      for (int k = 0; k < 200; ++k) {
        std::thread one(leaf), two([] { leaf(); });
        one.join();
        two.join();
      }
    });
  for (std::thread& maker : makers) maker.join();
  return count == 3200 ? 0 : 1;
}
