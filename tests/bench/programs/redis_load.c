// redis_load.c - fills a redis-server and reads it back with skewed GETs: operations a second and their latency.
//
// Keys are drawn as YCSB does (Zipf, theta 0.99, scrambled over the key space), from a fixed seed: every run asks for
// the same keys. A closed loop of a few connections on one unix socket. The latency of each GET goes into a histogram
// with 64 steps per power of two. Prints one line of JSON; its "result" is a sum over all values that came back.
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
  kValueBytes = 1024,
  kWords = kValueBytes / 8,
  kConnections = 4,
  kBatch = 32,
  kSteps = 64,
  kBuckets = kSteps * 40
};
static const double kTheta = 0.99;

static uint64_t random_state = 42;
static uint64_t histogram[kBuckets];
static double* cumulative;  // of the Zipf distribution, by rank

struct Connection {
  int fd;
  uint64_t asked_ns;
  size_t have;
  char reply[kValueBytes + 32];
};

static void die(const char* what) {
  fprintf(stderr, "redis_load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

// splitmix64 (Steele, Lea, Flood 2014).
static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}
static uint64_t next_random(void) {
  return mix(random_state += 0x9e3779b97f4a7c15U);
}

static void prepare_skew(size_t keys) {
  cumulative = malloc(keys * sizeof(double));
  double sum = 0;
  for (size_t i = 0; i < keys; ++i) {
    cumulative[i] = sum += pow((double)(i + 1), -kTheta);
  }
}

// The rank by bisection, then scattered, so that hot keys do not lie side by side.
static size_t next_key(size_t keys) {
  const double at = (double)(next_random() >> 11) * 0x1p-53 * cumulative[keys - 1];
  size_t low = 0;
  size_t high = keys - 1;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (cumulative[middle] < at) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return (size_t)(low * 2654435761U % keys);
}

static int connect_to(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  for (int tries = 0; connect(fd, (struct sockaddr*)&address, sizeof(address)) != 0; ++tries) {
    if (tries == 2000) {
      die(path);
    }
    usleep(5000);
  }
  return fd;
}

static void send_all(int fd, const char* from, size_t bytes) {
  while (bytes > 0) {
    const ssize_t sent = write(fd, from, bytes);
    if (sent <= 0) {
      die("write");
    }
    from += sent;
    bytes -= (size_t)sent;
  }
}

static void receive_all(int fd, char* into, size_t bytes) {
  while (bytes > 0) {
    const ssize_t got = read(fd, into, bytes);
    if (got <= 0) {
      die("read");
    }
    into += got;
    bytes -= (size_t)got;
  }
}

// Half noise, half zeros: as compressible as memory tends to be.
static void fill_value(uint64_t* words, size_t key) {
  memset(words, 0, kValueBytes);
  for (size_t i = 0; i < kWords / 2; ++i) {
    words[i * 2] = mix(key * kWords + i + 1);
  }
}

static void set_all(int fd, size_t keys) {
  static char request[kBatch * (kValueBytes + 128)];
  static char replies[kBatch * 5];
  uint64_t value[kWords];
  for (size_t key = 0; key < keys;) {
    size_t bytes = 0;
    size_t batch = 0;
    for (; batch < kBatch && key < keys; ++batch, ++key) {
      fill_value(value, key);
      bytes += (size_t)sprintf(request + bytes, "*3\r\n$3\r\nSET\r\n$12\r\nkey:%08zu\r\n$%d\r\n", key, kValueBytes);
      memcpy(request + bytes, value, kValueBytes);
      memcpy(request + bytes + kValueBytes, "\r\n", 2);
      bytes += kValueBytes + 2;
    }
    send_all(fd, request, bytes);
    receive_all(fd, replies, batch * 5);
    if (memcmp(replies, "+OK\r\n", 5) != 0) {
      die("SET was refused");
    }
  }
}

static void ask(struct Connection* connection, size_t keys) {
  char request[64];
  const int bytes = sprintf(request, "*2\r\n$3\r\nGET\r\n$12\r\nkey:%08zu\r\n", next_key(keys));
  connection->have = 0;
  connection->asked_ns = now_ns();
  send_all(connection->fd, request, (size_t)bytes);
}

static size_t bucket_of(uint64_t ns) {
  const int power = ns < kSteps ? 0 : 63 - __builtin_clzll(ns) - 5;  // the top six bits after the first
  const size_t bucket = (size_t)power * kSteps / 2 + (size_t)(ns >> power);
  return bucket < kBuckets ? bucket : kBuckets - 1;
}

static double microseconds_of(size_t bucket) {
  const size_t power = bucket < kSteps ? 0 : (bucket - kSteps / 2) / (kSteps / 2);
  return (double)((uint64_t)(bucket - power * kSteps / 2) << power) / 1000;
}

static double percentile(uint64_t total, double share) {
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += histogram[i];
    if ((double)seen >= (double)total * share) {
      return microseconds_of(i);
    }
  }
  return 0;
}

static uint64_t sum_of(const char* value) {
  uint64_t sum = 0;
  for (size_t i = 0; i < kWords; ++i) {
    uint64_t word;
    memcpy(&word, value + i * 8, 8);
    sum += word * (i + 1);
  }
  return sum;
}

// Takes what has come; gives 1 when the reply is whole, and adds to the sum.
static int take(struct Connection* connection, uint64_t* sum) {
  const size_t head = (size_t)snprintf(NULL, 0, "$%d\r\n", kValueBytes);
  const size_t whole = head + kValueBytes + 2;
  const ssize_t got = read(connection->fd, connection->reply + connection->have, whole - connection->have);
  if (got <= 0) {
    die("read");
  }
  connection->have += (size_t)got;
  if (connection->reply[0] != '$' || (connection->have >= 5 && memcmp(connection->reply, "$1024", 5) != 0)) {
    die("GET gave no value");
  }
  if (connection->have < whole) {
    return 0;
  }
  ++histogram[bucket_of(now_ns() - connection->asked_ns)];
  *sum += sum_of(connection->reply + head);
  return 1;
}

static uint64_t get_all(const char* path, size_t keys, size_t gets) {
  struct Connection connections[kConnections];
  struct pollfd waiting[kConnections];
  uint64_t sum = 0;
  size_t asked = 0;
  for (int i = 0; i < kConnections; ++i, ++asked) {
    connections[i].fd = connect_to(path);
    waiting[i] = (struct pollfd){connections[i].fd, POLLIN, 0};
    ask(&connections[i], keys);
  }
  for (size_t done = 0; done < gets;) {
    if (poll(waiting, kConnections, -1) < 0) {
      die("poll");
    }
    for (int i = 0; i < kConnections; ++i) {
      if (waiting[i].revents == 0 || !take(&connections[i], &sum)) {
        continue;
      }
      ++done;
      if (asked++ < gets) {
        ask(&connections[i], keys);
      }
    }
  }
  return sum;
}

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: redis_load SOCKET KEYS GETS\n");
    return 2;
  }
  const size_t keys = strtoul(argv[2], NULL, 10);
  const size_t gets = strtoul(argv[3], NULL, 10);
  prepare_skew(keys);
  const uint64_t start = now_ns();
  const int fd = connect_to(argv[1]);
  set_all(fd, keys);
  const uint64_t loaded = now_ns();
  const uint64_t sum = get_all(argv[1], keys, gets);
  const uint64_t end = now_ns();
  send_all(fd, "SHUTDOWN NOSAVE\r\n", 17);
  printf("{\"result\": \"%016llx\", \"wall\": %.4f, \"load_s\": %.4f, \"ops_per_s\": %.1f, ", (unsigned long long)sum,
         (double)(end - start) * 1e-9, (double)(loaded - start) * 1e-9, (double)gets / ((double)(end - loaded) * 1e-9));
  printf("\"p50_us\": %.2f, \"p99_us\": %.2f, \"p99_9_us\": %.2f}\n", percentile(gets, 0.5), percentile(gets, 0.99),
         percentile(gets, 0.999));
  return 0;
}
