"""All lessons, in the order in which a textbook would have them."""

from __future__ import annotations

from regbench.textbook import (
    augmentation,
    batchnorm_batch_size,
    cocktails,
    decay_grid,
    double_descent,
    dropout_logistic,
    dropout_rate,
    dropout_ridge,
    dropout_size,
    early_stopping_ridge,
    grokking,
    l1_zeros,
    lasso_path,
    mnist1d_order,
    mnist1d_table,
    noisy_labels,
    random_labels,
    random_labels_cnn,
    ridgeless,
    stopping_rules,
    weight_decay,
)
from regbench.textbook.lesson import Lesson

# One entry a lesson; a test asserts that each has its study, and each study its lesson.
LESSONS: dict[str, Lesson] = {
    "l1-zeros": l1_zeros.LESSON,
    "lasso-path": lasso_path.LESSON,
    "weight-decay": weight_decay.LESSON,
    "decay-grid": decay_grid.LESSON,
    "dropout-ridge": dropout_ridge.LESSON,
    "dropout-logistic": dropout_logistic.LESSON,
    "dropout-rate": dropout_rate.LESSON,
    "dropout-size": dropout_size.LESSON,
    "early-stopping-ridge": early_stopping_ridge.LESSON,
    "stopping-rules": stopping_rules.LESSON,
    "batchnorm-batch-size": batchnorm_batch_size.LESSON,
    "random-labels": random_labels.LESSON,
    "random-labels-cnn": random_labels_cnn.LESSON,
    "noisy-labels": noisy_labels.LESSON,
    "grokking": grokking.LESSON,
    "double-descent": double_descent.LESSON,
    "ridgeless": ridgeless.LESSON,
    "mnist1d-table": mnist1d_table.LESSON,
    "mnist1d-order": mnist1d_order.LESSON,
    "augmentation": augmentation.LESSON,
    "cocktails": cocktails.LESSON,
}
