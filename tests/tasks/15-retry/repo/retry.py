"""Trying again."""
import time


def retry(call, times=3, errors=(OSError,), sleep=time.sleep):
    for _ in range(times):
        try:
            return call()
        except Exception:
            pass
